// BlockArena and BlockTable: where blocks are kept, and how they are found.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "hypervisor/translate/block.h"

namespace cumulet::hypervisor {

// Objects of one kind, by number, at addresses that stay. Thread safety: the owner serializes all but at(),
// which may be called meanwhile for what was added. Memory is kept until the end, so that a reader that is
// late reads an old object or a new one, but nothing else.
template <typename T, uint32_t PerChunk>
class ChunkedArray {
 public:
  explicit ChunkedArray(size_t most) : chunks_(most / PerChunk + 1) {}

  [[nodiscard]] T& at(uint32_t number) const { return chunks_[number / PerChunk][number % PerChunk]; }
  // Makes room for the object of this number.
  T& reach(uint32_t number) {
    std::unique_ptr<T[]>& chunk = chunks_.at(number / PerChunk);
    if (chunk == nullptr) chunk = std::make_unique<T[]>(PerChunk);
    return chunk[number % PerChunk];
  }

 private:
  std::vector<std::unique_ptr<T[]>> chunks_;
};

// Blocks, in order of creation, and what belongs to them. Thread safety: as ChunkedArray.
class BlockArena {
 public:
  explicit BlockArena(uint32_t most_blocks);

  // A new last block, with room for so many records.
  Block& add(uint16_t record_capacity);
  void clear();

  [[nodiscard]] uint32_t count() const { return count_.load(std::memory_order_acquire); }
  [[nodiscard]] Block& at(uint32_t number) const { return blocks_.at(number); }
  // Makes the last block added visible to count().
  void publish() { count_.store(added_, std::memory_order_release); }

  [[nodiscard]] InstructionRecord* records(const Block& block) const { return &records_.at(block.records); }

  // A block's extras: those that it has, or an empty object; and to be written. Only under the owner's lock.
  [[nodiscard]] const BlockExtras& extras(const Block& block) const;
  BlockExtras& make_extras(Block& block);

 private:
  static constexpr uint32_t kBlocksPerChunk = 512, kRecordsPerChunk = 8 << 10, kMostRecordsPerBlock = 64;

  ChunkedArray<Block, kBlocksPerChunk> blocks_;
  ChunkedArray<InstructionRecord, kRecordsPerChunk> records_;
  std::deque<BlockExtras> extras_;
  uint32_t added_ = 0;
  std::atomic<uint32_t> count_ = 0;
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
