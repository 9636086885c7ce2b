// PageBases: where the pages of user code lie in the address space of the moment, for one vCPU.
#pragma once

#include <cstdint>

#include "hypervisor/translate/context.h"

namespace cumulet::hypervisor {

// Problem: address space layouts are random, so the same page of code, of a library or of a program that is
// started again, runs at ever new linear addresses, and translating it for each of them costs more than
// running it. So user code is translated without its address (kModeRelative): it asks Context::page_bases,
// under the number that CodeSpace gave its physical page.
//
// A base stays what it is for a generation, which ends when all jumps into user code from other pages are
// forgotten: until then every jump into the page comes from a lookup of this address space, which has been
// through enter(). A page that is mapped twice in one generation is relative for the first only.
//
// Only the vCPU's thread uses it.
class PageBases {
 public:
  explicit PageBases(Context& context) : context_(context) {}

  // Code of the page with this number is about to run at `base`. False: it has another base already.
  bool enter(uint32_t number, uint64_t base);
  // With JumpCache::flush_user() and LinkSlots::flush_user(), or more than them.
  void end_generation() { ++generation_; }

 private:
  Context& context_;
  uint64_t generation_ = 1;
};

}  // namespace cumulet::hypervisor
