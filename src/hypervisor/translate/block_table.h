// BlockArena and BlockTable: where blocks are kept, and how they are found.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "hypervisor/translate/block.h"

namespace cumulet::hypervisor {

// Blocks and their instruction records, in order of creation, at addresses that stay. Thread safety: add()
// and clear() are serialized by the owner; what was added may be read meanwhile. Memory is kept until the
// end, so that a reader that is late reads an old block or a new one, but nothing else.
class BlockArena {
 public:
  explicit BlockArena(uint32_t most_blocks);

  // A new last block, with room for so many records.
  Block& add(uint16_t record_capacity);
  // New room for a block's records.
  InstructionRecord* add_records(uint16_t capacity);
  void clear();

  [[nodiscard]] uint32_t count() const { return count_.load(std::memory_order_acquire); }
  [[nodiscard]] Block& at(uint32_t number) const {
    return chunks_[number / kBlocksPerChunk][number % kBlocksPerChunk];
  }
  // Makes the last block added visible to count().
  void publish() { count_.store(added_, std::memory_order_release); }

 private:
  static constexpr uint32_t kBlocksPerChunk = 512, kRecordsPerChunk = 16 << 10;

  std::vector<std::unique_ptr<Block[]>> chunks_;
  std::vector<std::unique_ptr<InstructionRecord[]>> record_chunks_;
  uint32_t added_ = 0;
  std::atomic<uint32_t> count_ = 0;
  size_t record_chunk_ = 0;
  uint32_t records_used_ = 0;
};

// An open hash table of block numbers by BlockKey. A slot holds enough of a key's hash that blocks with other
// keys are hardly ever looked at. Thread safety: find() from any thread at any time; the rest is serialized
// by the owner.
class BlockTable {
 public:
  static constexpr uint32_t kNone = ~uint32_t{0};

  explicit BlockTable(const BlockArena& arena);

  // The number of the last block inserted with this key, valid or dropped, or kNone.
  [[nodiscard]] uint32_t find(const BlockKey& key) const;
  void insert(const BlockKey& key, uint32_t number);
  void clear();

 private:
  struct Slots {
    explicit Slots(size_t size);
    size_t mask;
    std::unique_ptr<std::atomic<uint64_t>[]> slots;  // hash << 32 | number + 1; 0 = free
  };
  static uint32_t hash(const BlockKey& key);
  [[nodiscard]] bool is_of(uint64_t slot, uint32_t hash, const BlockKey& key) const;
  void grow();

  const BlockArena& arena_;
  std::vector<std::unique_ptr<Slots>> sizes_;  // smaller ones stay, for readers that are late
  std::atomic<Slots*> slots_;
  size_t used_ = 0;
};

}  // namespace cumulet::hypervisor
