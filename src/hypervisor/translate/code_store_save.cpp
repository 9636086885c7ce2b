// A code store is written.
#include <algorithm>
#include <chrono>
#include <numeric>

#include "base/log.h"
#include "hypervisor/translate/code_store.h"
#include "hypervisor/translate/stored_block_key.h"

namespace cumulet::hypervisor {

namespace {
// Of a hundred blocks so many may be new without a new file.
constexpr uint64_t kFewPercent = 2;
constexpr uint64_t kMaxFileSize = 256 << 20;
constexpr uint32_t kMaxAge = 64;
constexpr size_t kGroupSize =
    256 << 10;  // with a block of the largest size, still below what a group may have
constexpr std::chrono::seconds kLong{2};
constexpr uint8_t kUsed = 1;
}  // namespace

void CodeStore::save() {
  spdlog::debug("{} blocks translated, {} from the cache", counts_.translated, counts_.from_cache);
  if (noted_.size() * 100 <= (noted_.size() + counts_.from_cache) * kFewPercent) return;
  auto begin = std::chrono::steady_clock::now();
  if (Result<void> written = write(); !written)
    return spdlog::warn("translations are not kept: {}", written.error().to_string());
  auto taken = std::chrono::steady_clock::now() - begin;
  if (taken > kLong)
    spdlog::info("it took {} s to keep {} translations",
                 std::chrono::duration_cast<std::chrono::seconds>(taken).count(), noted_.size());
}

Result<void> CodeStore::write() {
  auto writer = TRY(TranslationFileWriter::create(folder_.get()));
  if (file_ != nullptr) TRY_VOID(write_old(*writer));
  TRY_VOID(write_new(*writer));
  noted_.clear();
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

Result<void> CodeStore::write_new(TranslationFileWriter& writer) {
  auto before = [](const Noted& a, const Noted& b) {
    return std::pair(a.page, a.key.rip) < std::pair(b.page, b.key.rip);
  };
  std::stable_sort(noted_.begin(), noted_.end(), before);
  BlockStorer storer(layout_, stubs_, stub_address_);
  std::vector<uint8_t> bytes;
  std::vector<BlockSlot> slots;
  for (size_t i = 0; i < noted_.size() && writer.size() < kMaxFileSize; ++i) {
    const Noted& noted = noted_[i];
    ByteView code = ByteView(noted_bytes_).subspan(noted.bytes, noted.length);
    auto offset = static_cast<uint32_t>(bytes.size());
    uint16_t size = storer.store(noted.key, noted.indirect, code, bytes);
    if (size != 0) slots.push_back(slot_of(noted.key, code.first(size), offset));
    bool last = i + 1 == noted_.size() || noted_[i + 1].page != noted.page ||
                (noted_[i + 1].key.rip & kPageMask) != (noted.key.rip & kPageMask) ||
                bytes.size() > kGroupSize;
    if (!last || bytes.empty()) continue;
    TRY_VOID(writer.add_group(bytes, std::move(slots), 0));
    bytes.clear();
    slots.clear();
  }
  return {};
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
