// Block: one piece of translated guest code, and what is needed to find, chain, drop and leave it.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/translate/mode.h"

namespace cumulet::hypervisor {

inline constexpr uint64_t kPageSize = 4096;
inline constexpr uint64_t kPageMask = ~(kPageSize - 1);
inline constexpr uint64_t kNoPage = ~uint64_t{0};
inline constexpr uint32_t kNoLink = ~uint32_t{0};

// More than any block takes.
inline constexpr uint64_t kMaxHotSize = 16 << 10, kMaxColdSize = 32 << 10;
inline constexpr size_t kMaxLinks = 256;
inline constexpr uint32_t kSlotStubSize = 8;  // a link's jmp gs:[slot], which lies before its leave stub

// Where one guest instruction lies in a block, and where guest registers are when it faults.
struct InstructionRecord {
  uint16_t host_offset;          // of its first byte of host code, from the ordinary entry on
  uint16_t guest_offset : 14;    // from the block's rip
  uint16_t scratch_spilled : 1;  // `address` and `index` hold no guest values: those are in spill[0] and
                                 // spill[1]
  uint16_t rax_spilled : 1;      // rax is in spill[2]
  uint8_t address : 4, index : 4;
  // Of a string instruction in a window: rdi is `address`'s value too far, or rsi `index`'s value, too; and
  // rcx is without Context::string_rest.
  static constexpr uint8_t kDestination = 1, kBoth = 2;
  uint8_t rebased = 0;
};
static_assert(sizeof(InstructionRecord) == 6);

// One direct jump out of a block. Within a page it is chained for all vCPUs: it goes to `leave_stub` until
// then, or to `slot_stub` for good if its target turns out to be a block that only lookups may enter. Into
// other pages, and from `slot_stub`, it goes through the vCPU's slot of the link's number (LinkSlots).
struct Link {
  uint64_t relative_address = 0;  // of the jump's rel32; 0 = it always uses the slot
  uint64_t leave_stub = 0;
  uint64_t slot_stub = 0;
  uint64_t target = 0;  // linear address; in kModeRelative, from the page's base on
  CodeMode mode = 0;    // in which the target runs
};

// A poll inside a block: 8 bytes of host code at `host`, which become a jump to `redirect` when the block is
// dropped.
struct Poll {
  uint64_t host;
  uint64_t redirect;
};

// Bytes of a block's guest code that it does not depend on, because it reads them when it runs: `size` bytes
// from `offset` on.
struct CodeHole {
  uint16_t offset;
  uint8_t size;
};

// Identity of the code that a block was made from.
struct BlockKey {
  GuestAddress physical;  // of the first byte
  uint64_t rip;           // 0 with kModeRelative: that is the same wherever the page is
  CodeMode mode;
  friend bool operator==(const BlockKey&, const BlockKey&) = default;
};

// What few blocks have.
struct BlockExtras {
  uint32_t redirect = 0;  // offset in the code cache of what a dropped block goes to; 0 = not made yet
  uint16_t drops = 0;     // how often it was dropped
  std::vector<Poll> polls;
  std::vector<CodeHole> holes;  // in its first page
};

// A block is valid or dropped. A dropped one sends whoever begins it to a new lookup, and keeps its place in
// the table and in the code cache: made again, the same code usually lies where it lay, and all that jumped
// to it still does.
//
// There are many, so host addresses are offsets in the code cache. Atomic members are read without
// CodeSpace's lock; by readers that are too late too, who find out by the epoch.
struct Block {
  // What lookups read comes first.
  std::atomic<uint64_t> physical, rip;  // of the first byte
  std::atomic<uint32_t> host;           // the ordinary entry: guest registers are in place
  std::atomic<uint32_t> indirect;       // the entry for indirect jumps, which verifies that they meant this
                                        // block; 0 = not made yet
  std::atomic<uint32_t> second_page_frame;  // of the bytes behind the page boundary, or kNoFrame
  std::atomic<CodeMode> mode;
  std::atomic<bool> valid;
  uint8_t entry_offset;          // of the ordinary entry in its hot code
  uint32_t cold;                 // its first byte of cold code
  uint32_t records;              // of its instructions (RecordArena)
  uint32_t first_link;           // number of the first of its own links
  uint32_t first_incoming;       // the links patched to this block: a list in LinkTable
  std::array<uint32_t, 2> next;  // on the lists of its first and second page
  uint32_t extras;               // number of its BlockExtras, plus 1; 0 = none
  uint16_t hot_capacity, cold_capacity;
  uint16_t size;  // bytes of guest code
  uint16_t record_count, record_capacity;
  uint16_t link_count;

  static constexpr uint32_t kNoFrame = ~uint32_t{0};

  [[nodiscard]] BlockKey key() const {
    return {physical.load(std::memory_order_relaxed), rip.load(std::memory_order_relaxed),
            mode.load(std::memory_order_relaxed)};
  }
  // The physical page of the bytes behind the page boundary, or kNoPage.
  [[nodiscard]] GuestAddress second_page() const {
    uint32_t frame = second_page_frame.load(std::memory_order_relaxed);
    return frame == kNoFrame ? kNoPage : frame * kPageSize;
  }
  // A block that goes on in the next page depends on a second address translation: only lookups may enter it.
  [[nodiscard]] bool chainable() const { return second_page() == kNoPage; }
  [[nodiscard]] bool relative() const { return (mode.load(std::memory_order_relaxed) & kModeRelative) != 0; }
  // Its indirect entry verifies all that it depends on (JumpCache).
  [[nodiscard]] bool verifiable() const { return relative() && chainable(); }
  // Offset of its first byte of hot code.
  [[nodiscard]] uint32_t hot() const { return host.load(std::memory_order_relaxed) - entry_offset; }
  // Bytes of guest code in its first page.
  [[nodiscard]] uint64_t first_size() const {
    uint64_t left = kPageSize - (physical.load(std::memory_order_relaxed) & ~kPageMask);
    return size < left ? size : left;
  }
  // True if it depends on a byte of [address, address + length).
  [[nodiscard]] bool depends_on(GuestAddress address, uint64_t length,
                                const std::vector<CodeHole>& holes) const {
    GuestAddress first = physical.load(std::memory_order_relaxed), second = second_page();
    if (first < address + length && address < first + first_size()) {
      return std::none_of(holes.begin(), holes.end(), [&](const CodeHole& hole) {
        GuestAddress begin = first + hole.offset;
        return address >= begin && address + length <= begin + hole.size;
      });
    }
    return second != kNoPage && second < address + length && address < second + (size - first_size());
  }
};
static_assert(sizeof(Block) == 72);

}  // namespace cumulet::hypervisor
