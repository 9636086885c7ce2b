// Chunked storage of blocks, and the hash table over it.
#include "hypervisor/translate/block_table.h"

#include "base/check.h"

namespace cumulet::hypervisor {

namespace {
constexpr size_t kFirstSlots = 4096;
}

BlockArena::BlockArena(uint32_t most_blocks) : chunks_(most_blocks / kBlocksPerChunk + 1) {}

Block& BlockArena::add(uint16_t record_capacity) {
  std::unique_ptr<Block[]>& chunk = chunks_.at(added_ / kBlocksPerChunk);
  if (chunk == nullptr) chunk = std::make_unique<Block[]>(kBlocksPerChunk);
  Block& block = chunk[added_++ % kBlocksPerChunk];
  block.records = add_records(record_capacity);
  block.record_capacity = record_capacity;
  return block;
}

InstructionRecord* BlockArena::add_records(uint16_t capacity) {
  CHECK(capacity <= kRecordsPerChunk);
  if (records_used_ + capacity > kRecordsPerChunk) {
    ++record_chunk_;
    records_used_ = 0;
  }
  if (record_chunk_ == record_chunks_.size())
    record_chunks_.push_back(std::make_unique<InstructionRecord[]>(kRecordsPerChunk));
  InstructionRecord* records = &record_chunks_[record_chunk_][records_used_];
  records_used_ += capacity;
  return records;
}

void BlockArena::clear() {
  added_ = records_used_ = 0;
  record_chunk_ = 0;
  publish();
}

BlockTable::Slots::Slots(size_t size)
    : mask(size - 1), numbers(std::make_unique<std::atomic<uint32_t>[]>(size)) {}

BlockTable::BlockTable(const BlockArena& arena) : arena_(arena) {
  sizes_.push_back(std::make_unique<Slots>(kFirstSlots));
  slots_.store(sizes_.back().get());
}

size_t BlockTable::hash(const BlockKey& key) {
  uint64_t mixed = (key.physical ^ key.rip * 0x9e3779b97f4a7c15 ^ uint64_t{key.mode} << 59);
  return (mixed * 0xff51afd7ed558ccd) >> 24;
}

uint32_t BlockTable::find(const BlockKey& key) const {
  const Slots& slots = *slots_.load(std::memory_order_acquire);
  for (size_t at = hash(key) & slots.mask;; at = (at + 1) & slots.mask) {
    uint32_t number = slots.numbers[at].load(std::memory_order_acquire);
    if (number == 0) return kNone;
    if (arena_.at(number - 1).key() == key) return number - 1;
  }
}

void BlockTable::put(Slots& slots, const BlockKey& key, uint32_t number) {
  size_t at = hash(key) & slots.mask;
  uint32_t old = 0;
  while ((old = slots.numbers[at].load()) != 0 && arena_.at(old - 1).key() != key) at = (at + 1) & slots.mask;
  if (old == 0) ++used_;
  slots.numbers[at].store(number + 1, std::memory_order_release);
}

void BlockTable::insert(const BlockKey& key, uint32_t number) {
  Slots& slots = *slots_.load();
  put(slots, key, number);
  if (used_ * 2 > slots.mask) grow();
}

void BlockTable::grow() {
  const Slots& old = *slots_.load();
  auto larger = std::make_unique<Slots>((old.mask + 1) * 2);
  used_ = 0;
  for (size_t at = 0; at <= old.mask; ++at) {
    uint32_t number = old.numbers[at].load();
    if (number != 0) put(*larger, arena_.at(number - 1).key(), number - 1);
  }
  sizes_.push_back(std::move(larger));
  slots_.store(sizes_.back().get(), std::memory_order_release);
}

void BlockTable::clear() {
  Slots& slots = *slots_.load();
  for (size_t at = 0; at <= slots.mask; ++at) slots.numbers[at].store(0, std::memory_order_relaxed);
  used_ = 0;
}

}  // namespace cumulet::hypervisor
