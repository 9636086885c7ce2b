// LinkTable: the direct jumps of all blocks, and which of them are patched to which block.
#pragma once

#include <cstdint>

#include "hypervisor/translate/block_table.h"
#include "hypervisor/translate/context.h"

namespace cumulet::hypervisor {

// A Link as it is kept: host addresses are offsets in the code cache.
struct StoredLink {
  // Linear; 56 bits hold every address that an instruction can name.
  int64_t target : 56;
  uint64_t mode : 8;
  uint32_t relative;  // of the jump's rel32; 0 = it always uses the slot
  uint32_t leave_stub;
  uint32_t chained_to;  // number of the block that the jump was patched to, or kNoBlock
  uint32_t next;        // the next link that is patched to the same block, or kNoLink

  static constexpr uint32_t kNoBlock = ~uint32_t{0};
};
static_assert(sizeof(StoredLink) == 24);

// Links by number. Thread safety: as ChunkedArray.
class LinkTable {
 public:
  LinkTable() : links_(kLinkSlots) {}

  // `code` is where the code cache begins.
  void add(const Link& link, uint64_t code) { store(links_.reach(count_++), link, code); }
  // Another jump at the place of one that is patched to no block.
  void replace(uint32_t number, const Link& link, uint64_t code) { store(links_.at(number), link, code); }
  void clear() { count_ = 0; }

  [[nodiscard]] uint32_t count() const { return count_; }
  [[nodiscard]] StoredLink& at(uint32_t number) const { return links_.at(number); }

  // Notes that a link is patched to a block; `block` is at `number`.
  void chain(uint32_t link, Block& block, uint32_t number);
  // Takes the link off the list of the block that it is patched to, if there is one.
  void unchain(uint32_t link, const BlockArena& blocks);

 private:
  static constexpr uint32_t kLinksPerChunk = 2048;
  static void store(StoredLink& stored, const Link& link, uint64_t code);

  ChunkedArray<StoredLink, kLinksPerChunk> links_;
  uint32_t count_ = 0;
};

}  // namespace cumulet::hypervisor
