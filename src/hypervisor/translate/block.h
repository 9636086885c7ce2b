// Block: one piece of translated guest code, and what is needed to find, chain, drop and leave it.
#pragma once

#include <cstdint>
#include <vector>

#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/translate/mode.h"

namespace cumulet::hypervisor {

inline constexpr uint64_t kPageSize = 4096;
inline constexpr uint64_t kPageMask = ~(kPageSize - 1);
inline constexpr uint64_t kNoPage = ~uint64_t{0};
inline constexpr uint32_t kNoLink = ~uint32_t{0};

// Where one guest instruction lies in a block, and where guest registers are when it faults.
struct InstructionRecord {
  uint32_t host_offset;   // of its first byte of host code
  uint16_t guest_offset;  // from the block's rip
  bool scratch_spilled;   // `address` and `index` hold no guest values: those are in spill[0] and spill[1]
  uint8_t address, index;
  bool rax_spilled;  // rax is in spill[2]
};

// One direct jump out of a block that may be chained: it goes to `leave_stub` until then, or to `cached_stub`
// for good, if its target turns out to be a block that only lookups may enter.
struct Link {
  uint64_t relative_address;  // of the jump's rel32
  uint64_t leave_stub;
  uint64_t cached_stub;
  uint64_t target;  // linear address
  CodeMode mode;    // in which the target runs
};

// Identity of the code that a block was made from.
struct BlockKey {
  GuestAddress physical;  // of the first byte
  uint64_t rip;
  CodeMode mode;
  friend bool operator==(const BlockKey&, const BlockKey&) = default;
};

struct Block {
  BlockKey key;
  uint16_t size = 0;                   // bytes of guest code
  GuestAddress second_page = kNoPage;  // physical page of the bytes behind the page boundary
  uint64_t host = 0;                   // first byte of host code
  uint32_t host_size = 0;
  uint64_t redirect = 0;                // cold code that looks the block's rip up again
  std::vector<uint32_t> incoming = {};  // links chained to this block
  std::vector<InstructionRecord> records = {};

  // A block that goes on in the next page depends on a second address translation: only lookups may enter it.
  [[nodiscard]] bool chainable() const { return second_page == kNoPage; }
};

}  // namespace cumulet::hypervisor
