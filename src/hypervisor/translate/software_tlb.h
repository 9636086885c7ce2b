// SoftwareTlb: fills and flushes the inline TLB of one vCPU.
#pragma once

#include <array>
#include <cstdint>

#include "hypervisor/interpret/cpu.h"
#include "hypervisor/interpret/page_walk.h"
#include "hypervisor/translate/context.h"

namespace cumulet::hypervisor {

class CodeSpace;
struct CodePage;

// Works on Context::tlb, one direct-mapped table for each set of permissions. Every filled line is on a list,
// so that a flush costs what was filled. Only the vCPU's thread uses it; CodeSpace clears write tags from
// other threads.
class SoftwareTlb {
 public:
  // `space` may be null: then no page holds code.
  SoftwareTlb(Context& context, CodeSpace* space);

  // The host address of a data access by the current code, which fills the line; 0 if the interpreter must do
  // it: it faults, crosses a page, is not in RAM, or stores into the block that is at `host_rip` (0: into
  // any).
  // `fault` is set if it raises a page fault. With host_rip 0 general registers only are used.
  uint64_t resolve(uint64_t linear, uint64_t size, bool write, uint64_t host_rip = 0,
                   Exception* fault = nullptr);
  // The same for the source of rep movs, in the tables for these.
  uint64_t resolve_string_source(uint64_t linear, uint64_t size, Exception* fault);
  // The same as resolve() for an access of the processor's own (AccessPrivilege::kImplicitSupervisor).
  uint64_t resolve_system(uint64_t linear, uint64_t size, bool write);

  void flush_all();
  void flush_non_global();
  void flush_page(uint64_t linear);

 private:
  TlbEntry& line(uint32_t number) { return context_.tlb[number / kTlbEntries][number % kTlbEntries]; }
  void note_filled(uint32_t number, uint64_t linear, const Translation& found);
  template <typename Drop>
  void flush_if(Drop drop);
  [[nodiscard]] bool may_hold_large(uint64_t linear) const;
  uint64_t fill(uint32_t number, uint64_t linear, uint64_t size, bool write, const Translation& found,
                uint64_t host_rip);
  bool allow_store_to_code(CodePage& code, uint32_t number, GuestAddress address, uint64_t size,
                           uint64_t host_rip);

  Context& context_;
  CodeSpace* space_;
  // Lines stay on a list, invalid or not, until the list is flushed as a whole.
  struct List {
    std::array<uint16_t, kTlbCount*(kTlbEntries + kStringSourceEntries)> lines{};
    uint32_t count = 0;
  };
  List global_, local_;
  // Which parts of the address space large mappings may have been filled from, by 4 MiB and by 1 GiB.
  static constexpr uint32_t kFilterBits = 2048;
  std::array<std::array<bool, kFilterBits>, 2> large_{};
};

}  // namespace cumulet::hypervisor
