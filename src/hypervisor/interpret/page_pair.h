// PagePair: two pages side by side for a copy of a memory operand, each of which can be missing.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace cumulet::hypervisor {

// Problem: which bytes of its operand an instruction under a mask touches, and which of them a page fault
// names, is best answered by the processor itself. So a copy of the operand is placed where the pages that a
// guest does not have are missing too. Invariant: nothing else lies within a page of a pair. Not thread-safe.
class PagePair {
 public:
  static constexpr uint64_t kPage = 4096, kSize = 2 * kPage;

  // Ends the process if the host gives no memory.
  PagePair();
  ~PagePair();
  PagePair(const PagePair&) = delete;
  PagePair& operator=(const PagePair&) = delete;

  // A pair with these of its pages. The bytes of missing ones must not be touched.
  [[nodiscard]] MutableByteView pages(bool first, bool second);

 private:
  static constexpr uint64_t kPairs = 4, kPagesOfPair = 4;  // one to either side is always missing
  MutableByteView memory_;
};

}  // namespace cumulet::hypervisor
