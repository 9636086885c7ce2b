// Chunked storage of blocks, and the hash table over it.
#include "hypervisor/translate/block_table.h"

#include "base/check.h"

namespace cumulet::hypervisor {

namespace {
constexpr size_t kFirstSlots = 4096;

uint32_t number_in(uint64_t slot) { return static_cast<uint32_t>(slot) - 1; }
}  // namespace

BlockArena::BlockArena(uint32_t most_blocks)
    : blocks_(most_blocks), records_(size_t{most_blocks} * kMostRecordsPerBlock) {}

Block& BlockArena::add(uint16_t record_capacity) {
  CHECK(record_capacity <= kRecordsPerChunk);
  if (records_used_ % kRecordsPerChunk + record_capacity > kRecordsPerChunk)
    records_used_ = (records_used_ / kRecordsPerChunk + 1) * kRecordsPerChunk;
  Block& block = blocks_.reach(added_++);
  records_.reach(records_used_);
  block.records = records_used_;
  block.record_capacity = record_capacity;
  block.extras = 0;
  records_used_ += record_capacity;
  return block;
}

void BlockArena::clear() {
  added_ = records_used_ = 0;
  extras_.clear();
  publish();
}

const BlockExtras& BlockArena::extras(const Block& block) const {
  static const BlockExtras kNone;
  return block.extras == 0 ? kNone : extras_[block.extras - 1];
}

BlockExtras& BlockArena::make_extras(Block& block) {
  if (block.extras == 0) {
    extras_.emplace_back();
    block.extras = static_cast<uint32_t>(extras_.size());
  }
  return extras_[block.extras - 1];
}

BlockTable::Slots::Slots(size_t size)
    : mask(size - 1), slots(std::make_unique<std::atomic<uint64_t>[]>(size)) {}

BlockTable::BlockTable(const BlockArena& arena) : arena_(arena) {
  sizes_.push_back(std::make_unique<Slots>(kFirstSlots));
  slots_.store(sizes_.back().get());
}

uint32_t BlockTable::hash(const BlockKey& key) {
  uint64_t mixed = key.physical ^ key.rip * 0x9e3779b97f4a7c15 ^ key.mode * 0xd6e8feb86659fd93;
  return static_cast<uint32_t>((mixed ^ mixed >> 32) * 0xff51afd7ed558ccd >> 32);
}

bool BlockTable::is_of(uint64_t slot, uint32_t hash, const BlockKey& key) const {
  return slot >> 32 == hash && arena_.at(number_in(slot)).key() == key;
}

uint32_t BlockTable::find(const BlockKey& key) const {
  const Slots& table = *slots_.load(std::memory_order_acquire);
  uint32_t hashed = hash(key);
  for (size_t at = hashed & table.mask;; at = (at + 1) & table.mask) {
    uint64_t slot = table.slots[at].load(std::memory_order_acquire);
    if (slot == 0) return kNone;
    if (is_of(slot, hashed, key)) return number_in(slot);
  }
}

void BlockTable::insert(const BlockKey& key, uint32_t number) {
  Slots& table = *slots_.load();
  uint32_t hashed = hash(key);
  size_t at = hashed & table.mask;
  uint64_t old = 0;
  while ((old = table.slots[at].load()) != 0 && !is_of(old, hashed, key)) at = (at + 1) & table.mask;
  if (old == 0) ++used_;
  table.slots[at].store(uint64_t{hashed} << 32 | (number + 1), std::memory_order_release);
  if (used_ * 3 > table.mask * 2) grow();
}

// All keys in the old slots differ, so their hashes are enough to place them.
void BlockTable::grow() {
  const Slots& old = *slots_.load();
  auto larger = std::make_unique<Slots>((old.mask + 1) * 2);
  for (size_t from = 0; from <= old.mask; ++from) {
    uint64_t slot = old.slots[from].load();
    if (slot == 0) continue;
    size_t at = (slot >> 32) & larger->mask;
    while (larger->slots[at].load(std::memory_order_relaxed) != 0) at = (at + 1) & larger->mask;
    larger->slots[at].store(slot, std::memory_order_relaxed);
  }
  sizes_.push_back(std::move(larger));
  slots_.store(sizes_.back().get(), std::memory_order_release);
}

void BlockTable::clear() {
  Slots& table = *slots_.load();
  for (size_t at = 0; at <= table.mask; ++at) table.slots[at].store(0, std::memory_order_relaxed);
  used_ = 0;
}

}  // namespace cumulet::hypervisor
