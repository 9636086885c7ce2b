// FetchCache: the instruction side's TLB of one vCPU, for the dispatcher.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>

#include "hypervisor/interpret/cpu.h"
#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// Translations of pages that code was fetched from. It also knows which pages *may* have been fetched from
// since the last full flush, which decides whether a flush must reach the jump cache. Not thread-safe.
class FetchCache {
 public:
  explicit FetchCache(Cpu& cpu) : cpu_(cpu) {}

  // The guest-physical page of code at `linear` for the current mode, or nothing if fetching it faults.
  std::optional<GuestAddress> page_of(uint64_t linear);

  // True if code of CPL 3, or other code, of this page (or of the large mapping that holds it) may have been
  // fetched.
  [[nodiscard]] bool may_hold(uint64_t linear, bool user) const;
  // True if some supervisor code came from a page that is not global.
  [[nodiscard]] bool has_local_supervisor_pages() const { return local_supervisor_; }

  void flush_all();
  void flush_non_global();
  // Before all jumps into code of CPL 3 are forgotten: what may_hold() says of other code stays.
  void flush_user();

 private:
  struct Line {
    uint64_t tag = 1;  // linear page | CPL 3 as bit 1; bit 0 = invalid
    GuestAddress page = 0;
    bool global = true;  // and so not listed in local_
  };
  static constexpr size_t kLines = 1024, kFilterBits = 1 << 18;
  static size_t filter_bit(uint64_t linear, uint32_t shift);

  Cpu& cpu_;
  std::array<Line, kLines> lines_{};
  std::array<uint16_t, kLines> local_{};  // lines filled with translations that are not global
  size_t local_count_ = 0;
  std::array<std::bitset<kFilterBits>, 2> fetched_;  // by other code, and at CPL 3
  bool local_supervisor_ = false;
};

}  // namespace cumulet::hypervisor
