// PageSeams: pairs of guest pages side by side, for accesses that cross from one to the other.
#pragma once

#include <array>
#include <cstdint>

#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// Pages that are neighbours in an address space are seldom neighbours in RAM, so an access that crosses from
// one to the other has no single host address; and a program whose stack has a page boundary in a busy
// function crosses it all the time. Here such pairs are mapped side by side, the last few of them.
//
// One vCPU's; general registers only (QuickPath).
class PageSeams {
 public:
  explicit PageSeams(const GuestMemory& memory) : memory_(memory) {}
  ~PageSeams();
  PageSeams(const PageSeams&) = delete;
  PageSeams& operator=(const PageSeams&) = delete;

  // The host address that stands for `first`, where what follows the end of its page is `second`: addresses
  // in GuestMemory's mapping of RAM, the second that of a page. 0: the host has no mappings left.
  uint64_t join(uint64_t first, uint64_t second);

 private:
  static constexpr size_t kSeams = 64;
  struct Seam {
    uint64_t first_page = 0, second_page = 0;  // in the mapping of RAM; 0 = none
  };
  [[nodiscard]] bool reserve();
  [[nodiscard]] bool map(uint64_t at, uint64_t page) const;

  const GuestMemory& memory_;
  uint64_t base_ = 0;  // of a guard page and two pages for each seam
  std::array<Seam, kSeams> seams_{};
};

}  // namespace cumulet::hypervisor
