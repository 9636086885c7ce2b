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

// One direct jump out of a block. Within a page it is chained for all vCPUs: it goes to `leave_stub` until
// then, or to `slot_stub` for good if its target turns out to be a block that only lookups may enter. Into
// other pages, and from `slot_stub`, it goes through the vCPU's slot of the link's number (LinkSlots).
struct Link {
  uint64_t relative_address;  // of the jump's rel32; 0 = it always uses the slot
  uint64_t leave_stub;
  uint64_t slot_stub;
  uint64_t target;                       // linear address
  CodeMode mode;                         // in which the target runs
  const struct Block* listed = nullptr;  // the last block that has the link in its list `incoming`
};

// A poll inside a block: 8 bytes of host code at `host`, which become a jump to `redirect` when the block is
// dropped.
struct Poll {
  uint64_t host;
  uint64_t redirect;
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
  uint64_t host = 0;                   // the ordinary entry: guest registers are in place
  uint32_t host_size = 0;              // of the code from there on
  uint64_t indirect = 0;  // the entry for indirect jumps, which verifies that they meant this block
  uint64_t redirect = 0;  // cold code that looks the block's rip up again
  std::vector<uint32_t> incoming = {};  // links chained to this block, or with slots that lead to it
  std::vector<InstructionRecord> records = {};
  std::vector<Poll> polls = {};

  // A block that goes on in the next page depends on a second address translation: only lookups may enter it.
  [[nodiscard]] bool chainable() const { return second_page == kNoPage; }
};

}  // namespace cumulet::hypervisor
