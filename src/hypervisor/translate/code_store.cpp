// Stored blocks are found and placed, new ones noted.
#include "hypervisor/translate/code_store.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "hypervisor/translate/content_hash.h"
#include "hypervisor/translate/stored_block_key.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint8_t kUsed = 1, kDamaged = 2;  // bits of a group's state
}  // namespace

std::unique_ptr<CodeStore> CodeStore::open(const std::string& folder, const Context& layout,
                                           const Stubs& stubs, uint64_t stub_address,
                                           uint64_t code_cache_size) {
  auto identity = engine_identity(stubs, stub_address, code_cache_size);
  if (!identity) {
    spdlog::warn("translations are not kept: this program has no build id");
    return nullptr;
  }
  auto opened = open_translation_folder(folder);
  if (!opened) {
    spdlog::warn("translations are not kept: {}", opened.error().to_string());
    return nullptr;
  }
  int descriptor = opened->get();
  std::unique_ptr<CodeStore> store(new CodeStore(std::move(*opened), *identity, layout, stubs, stub_address));
  auto file = TranslationFile::open(descriptor, *identity);
  if (file) {
    store->file_ = std::move(*file);
    store->group_state_.assign(store->file_->groups(), 0);
  } else if (file.error().code != ErrorCode::kNotFound) {
    spdlog::warn("the translations in {} are not used: {}", folder, file.error().message);
  }
  return store;
}

CodeStore::CodeStore(UniqueFd folder, const EngineIdentity& identity, const Context& layout,
                     const Stubs& stubs, uint64_t stub_address)
    : folder_(std::move(folder)),
      identity_(identity),
      layout_(layout),
      stubs_(stubs),
      stub_address_(stub_address),
      notes_(folder_.get()) {}

CodeStore::~CodeStore() { save(); }

const StoredBlock* CodeStore::find(const StoredKey& key, ByteView bytes) {
  if (file_ == nullptr) return nullptr;
  for (size_t length : kKeyLengths) {
    if (length > bytes.size()) continue;
    uint64_t hash = hash_key(key, bytes.first(length));
    for (uint32_t nth = 0;; ++nth) {
      std::optional<BlockSlot> slot = file_->find(hash, nth);
      if (!slot) break;
      const StoredBlock* block = find_at(*slot, key, bytes);
      if (block != nullptr) return block;
    }
  }
  return nullptr;
}

// The block at a slot, if it is the one.
const StoredBlock* CodeStore::find_at(const BlockSlot& slot, const StoredKey& key, ByteView bytes) {
  if (slot.size > bytes.size() || hash_content(bytes.first(slot.size)) != slot.content) return nullptr;
  if (!load_group(slot.group)) return nullptr;
  const Group& group = groups_[current_];
  auto at = std::lower_bound(group.offsets.begin(), group.offsets.end(), slot.offset);
  if (at == group.offsets.end() || *at != slot.offset) return nullptr;
  const StoredBlock& block = group.blocks[static_cast<size_t>(at - group.offsets.begin())];
  ByteView guest = block.guest_code();
  bool same = block.key() == key && guest.size() <= bytes.size() &&
              std::equal(guest.begin(), guest.end(), bytes.begin());
  return same ? &block : nullptr;
}

// Makes a group of the file the current one. False: it is damaged.
bool CodeStore::load_group(uint32_t number) {
  for (current_ = 0; current_ < groups_.size(); ++current_)
    if (groups_[current_].number == number) return true;
  current_ = next_;
  if ((group_state_[number] & kDamaged) != 0) return false;
  Group& group = groups_[current_];
  next_ = (next_ + 1) % groups_.size();
  group.number = ~uint32_t{0};
  group.blocks.clear();
  group.offsets.clear();
  bool good = file_->read(number, group.bytes);
  for (size_t at = 0; good && at < group.bytes.size();) {
    std::optional<StoredBlock> block = StoredBlock::parse(ByteView(group.bytes).subspan(at));
    good = block.has_value();
    if (!good) break;
    group.blocks.push_back(*block);
    group.offsets.push_back(static_cast<uint32_t>(at));
    at += block->size();
  }
  group_state_[number] |= good ? kUsed : kDamaged;
  if (!good) {
    group.blocks.clear();
    group.offsets.clear();
    if (!std::exchange(damage_logged_, true))
      spdlog::warn("some kept translations are damaged, and not used");
    return false;
  }
  group.number = number;
  return true;
}

const PlacedBlock* CodeStore::place(const StoredBlock& block, Placement placement) {
  placement.stubs = stub_address_;
  return block.place(placement, placed_) ? &placed_ : nullptr;
}

}  // namespace cumulet::hypervisor
