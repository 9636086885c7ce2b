// PageBases: where the pages of user code lie in the address space of the moment, for one vCPU.
#pragma once

#include <cstdint>
#include <vector>

#include "hypervisor/translate/context.h"

namespace cumulet::hypervisor {

// Problem: address space layouts are random, so the same page of code, of a library or of a program that is
// started again, runs at ever new linear addresses, and translating it for each of them costs more than
// running it. So user code is translated without its address (kModeRelative): it asks Context::page_bases,
// under the number that CodeSpace gave its physical page.
//
// A base stays what it is for a generation, which ends when address translations may have changed: until then
// every jump into the page from another one comes from a lookup of this address space, which has been through
// enter(), or verifies the base. A page that is mapped twice in one generation is relative for the first
// only. When the generation ends, its pages have no base (kNoBase).
//
// Only the vCPU's thread uses it.
class PageBases {
 public:
  enum class Entered : uint8_t {
    kNow,       // for the first time in this generation
    kBefore,    // at this address
    kElsewhere  // at another
  };

  explicit PageBases(Context& context) : context_(context) { entered_.reserve(kPageBases); }

  // Code of the page with this number is about to run at `base`, with direct memory or without: indirect
  // jumps go to that kind only. General registers only.
  Entered enter(uint32_t number, uint64_t base, bool direct);
  // True if it was entered there in this generation.
  [[nodiscard]] bool lies_at(uint32_t number, uint64_t base) const {
    const PageBase& entry = context_.page_bases[number];
    return entry.generation == generation_ && entry.base == base;
  }
  // With JumpCache::flush_user() and LinkSlots::flush_user(), or more than them.
  void end_generation();

 private:
  Context& context_;
  uint64_t generation_ = 1;
  std::vector<uint16_t> entered_;  // the pages of this generation
};

}  // namespace cumulet::hypervisor
