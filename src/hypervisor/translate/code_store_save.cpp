// A code store is written.
#include <algorithm>
#include <chrono>
#include <mutex>
#include <numeric>
#include <span>
#include <thread>

#include "base/log.h"
#include "hypervisor/translate/code_store.h"
#include "hypervisor/translate/stored_block_key.h"

namespace cumulet::hypervisor {

namespace {
// Of a hundred blocks so many may be new without a new file.
constexpr uint64_t kFewPercent = 2;
constexpr uint64_t kMaxFileSize = 256 << 20;
constexpr uint32_t kMaxAge = 64;
constexpr size_t kGroupSize = 512 << 10;  // and one block more, in a group
constexpr size_t kBlocksPerThread = 2000;
constexpr std::chrono::seconds kLong{2};
constexpr uint8_t kUsed = 1;
}  // namespace

void CodeStore::save() {
  spdlog::debug("{} blocks translated, {} from the cache", counts_.translated, counts_.from_cache);
  uint64_t fresh = notes_.count();
  if (fresh * 100 <= (fresh + counts_.from_cache) * kFewPercent) return;
  auto begin = std::chrono::steady_clock::now();
  if (Result<void> written = write(); !written)
    return spdlog::warn("translations are not kept: {}", written.error().to_string());
  auto taken = std::chrono::steady_clock::now() - begin;
  if (taken > kLong)
    spdlog::info("it took {} s to keep {} translations",
                 std::chrono::duration_cast<std::chrono::seconds>(taken).count(), fresh);
}

Result<void> CodeStore::write() {
  auto writer = TRY(TranslationFileWriter::create(folder_.get()));
  if (file_ != nullptr) TRY_VOID(write_old(*writer));
  TRY_VOID(write_new(*writer));
  notes_.clear();
  return writer->finish(identity_);
}

// The groups of the old file, those used last first, up to half of what a file may have.
Result<void> CodeStore::write_old(TranslationFileWriter& writer) {
  std::vector<uint32_t> order(file_->groups());
  std::iota(order.begin(), order.end(), 0);
  std::vector<uint32_t> ages(order.size());
  for (uint32_t number : order)
    ages[number] = (group_state_[number] & kUsed) != 0 ? 0 : file_->age(number) + 1;
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return ages[a] < ages[b]; });
  for (uint32_t number : order) {
    if (ages[number] > kMaxAge || writer.size() + file_->group_size(number) > kMaxFileSize / 2) break;
    if (!load_group(number)) continue;
    const Group& group = groups_[current_];
    std::vector<BlockSlot> slots;
    for (size_t i = 0; i < group.blocks.size(); ++i)
      slots.push_back(slot_of(group.blocks[i].key(), group.blocks[i].guest_code(), group.offsets[i]));
    TRY_VOID(writer.add_group(group.bytes, std::move(slots), ages[number]));
  }
  return {};
}

// Translating again is most of the work, so all processors take part.
Result<void> CodeStore::write_new(TranslationFileWriter& writer) {
  std::vector<NotedBlock> noted = TRY(notes_.all());
  auto before = [](const NotedBlock& a, const NotedBlock& b) {
    return std::pair(a.page, a.key.rip) < std::pair(b.page, b.key.rip);
  };
  std::stable_sort(noted.begin(), noted.end(), before);
  std::vector<std::span<const NotedBlock>> pages;
  for (std::span<const NotedBlock> left = noted; !left.empty(); left = left.subspan(pages.back().size())) {
    auto end = std::find_if(left.begin(), left.end(), [&left](const NotedBlock& block) {
      return block.page != left.front().page || ((block.key.rip ^ left.front().key.rip) & kPageMask) != 0;
    });
    pages.push_back(left.first(static_cast<size_t>(end - left.begin())));
  }
  std::mutex mutex;  // of what follows, and of `writer`
  size_t next = 0;
  Result<void> result;
  auto work = [&] {
    BlockStorer storer(layout_, stubs_, stub_address_);
    std::unique_lock lock(mutex);
    while (next < pages.size() && result && writer.size() < kMaxFileSize) {
      std::span<const NotedBlock> page = pages[next++];
      lock.unlock();
      NewGroup group = make_group(storer, page);
      lock.lock();
      if (!group.slots.empty()) result = writer.add_group(group.bytes, std::move(group.slots), 0);
    }
  };
  std::vector<std::thread> helpers;
  size_t most = std::min<size_t>(std::thread::hardware_concurrency(), noted.size() / kBlocksPerThread);
  while (helpers.size() + 1 < most) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
  return result;
}

CodeStore::NewGroup CodeStore::make_group(BlockStorer& storer, std::span<const NotedBlock> page) {
  NewGroup group;
  for (const NotedBlock& noted : page) {
    if (group.bytes.size() > kGroupSize) break;
    auto offset = static_cast<uint32_t>(group.bytes.size());
    uint16_t size = storer.store(noted.key, noted.indirect, noted.code, group.bytes);
    if (size != 0) group.slots.push_back(slot_of(noted.key, noted.code.first(size), offset));
  }
  return group;
}

BlockSlot CodeStore::slot_of(const StoredKey& key, ByteView guest_code, uint32_t offset) {
  BlockSlot slot;
  slot.key = hash_key(key, guest_code.first(key_length(guest_code.size())));
  slot.content = hash_content(guest_code);
  slot.size = static_cast<uint32_t>(guest_code.size());
  slot.offset = offset;
  return slot;
}

}  // namespace cumulet::hypervisor
