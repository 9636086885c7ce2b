// Blocks from the store of earlier VMs' translations.
#include <array>

#include "base/check.h"
#include "hypervisor/translate/code_space.h"

namespace cumulet::hypervisor {

namespace {
StoredKey stored_key(const BlockKey& key) {
  return {key.rip, static_cast<uint16_t>(key.physical & ~kPageMask), key.mode};
}

// What depends on more than guest code is not stored.
bool storable(const BlockRequest& request, bool changing) {
  return (request.key.mode & kModeDirect) == 0 && !changing;
}
}  // namespace

// The code of bytes_ from the store, placed; or null.
const PlacedBlock* CodeSpace::stored_block(const BlockRequest& request, const Place& place) {
  if (store_ == nullptr || !storable(request, place.changing)) return nullptr;
  const StoredBlock* block = store_->find(stored_key(request.key), bytes_->view());
  if (block == nullptr || (place.again && block->indirect() != place.indirect)) return nullptr;
  return store_->place(*block, {0, place.hot, place.cold, place.first_link, request.page_number});
}

// Makes a placed block the result. False: there is none.
bool CodeSpace::take_stored(const PlacedBlock* stored) {
  from_store_ = stored != nullptr;
  if (stored == nullptr) return false;
  result_ = &stored->result;
  hot_ = stored->hot;
  cold_ = stored->cold;
  return true;
}

// The code that make_code() made is in use.
void CodeSpace::note_made(const BlockRequest& request, const Place& place) {
  if (store_ == nullptr) return;
  store_->count(from_store_);
  if (from_store_ || !storable(request, place.changing)) return;
  store_->note({stored_key(request.key), place.indirect, request.key.physical & kPageMask,
                bytes_->view().first(result_->size)});
}

// The stored blocks of a page that are as the page is, and not there yet. `group` is what they are among.
std::vector<const StoredBlock*> CodeSpace::missing_blocks(const BlockRequest& request,
                                                          const std::vector<StoredBlock>& group) {
  GuestAddress page = request.key.physical & kPageMask;
  std::array<uint8_t, kPageSize> bytes;
  std::vector<const StoredBlock*> missing;
  if (!memory_.read(page, bytes)) return missing;
  for (const StoredBlock& block : group) {
    const StoredKey& key = block.key();
    bool near = (key.rip & kPageMask) == (request.key.rip & kPageMask) &&
                ((key.mode ^ request.key.mode) & ~kModeAccessUser) == 0;
    if (near && block.is_in_page(bytes) &&
        table_.find({page + key.page_offset, key.rip, key.mode}) == BlockTable::kNone)
      missing.push_back(&block);
  }
  return missing;
}

// The block of `request` was just placed from the store, as the last one: so are the others of its page.
void CodeSpace::place_neighbours(const BlockRequest& request, const Gate& gate) {
  GuestAddress page = request.key.physical & kPageMask;
  std::vector<const StoredBlock*> missing = missing_blocks(request, store_->group());
  uint64_t chunks = 0;
  for (const StoredBlock* block : missing)
    chunks |= CodePages::chunks(block->key().page_offset, block->guest_code().size());
  // As in translate(): what is stored to the page from now on is noticed, what was before, the second look
  // sees.
  claim_page(page, chunks, gate);
  uint32_t first = blocks_.count() - 1;
  std::array<uint8_t, kPageSize> bytes;
  if (!memory_.read(page, bytes)) return;
  for (const StoredBlock* block : missing) {
    if (!has_room_for_block()) break;
    if (!block->is_in_page(bytes)) continue;
    const StoredKey& key = block->key();
    BlockRequest other{{page + key.page_offset, key.rip, key.mode},
                       (request.rip & kPageMask) + key.page_offset,
                       request.page_number};
    Place place{cache_->hot_address(), cache_->cold_address(), links_.count(), block->indirect()};
    if (!take_stored(store_->place(*block, {0, place.hot, place.cold, place.first_link, other.page_number})))
      continue;
    note_made(other, place);
    add_block(nullptr, other, place);
  }
  chain_in_page(first);
}

// Makes the jumps of the blocks from this number on, which are all of one page, go straight to each other.
void CodeSpace::chain_in_page(uint32_t first) {
  std::array<uint32_t, kPageSize> by_offset;  // of the page
  auto offset_of = [this](uint32_t number) { return blocks_.at(number).physical.load() & ~kPageMask; };
  by_offset.fill(BlockTable::kNone);
  for (uint32_t number = first; number < blocks_.count(); ++number) by_offset[offset_of(number)] = number;
  for (uint32_t from = first; from < blocks_.count(); ++from) {
    const Block& block = blocks_.at(from);
    for (uint32_t link = block.first_link; link < block.first_link + block.link_count; ++link) {
      StoredLink& jump = links_.at(link);
      if (jump.relative == 0 || jump.chained_to != StoredLink::kNoBlock) continue;
      uint32_t number = by_offset[static_cast<uint64_t>(int64_t{jump.target}) & ~kPageMask];
      if (number == BlockTable::kNone) continue;
      Block& to = blocks_.at(number);
      if (to.mode.load() != jump.mode || !to.chainable()) continue;
      links_.chain(link, to, number);
      point_link(jump, to.host.load());
    }
  }
}

TranslationCounts CodeSpace::translation_counts() {
  std::lock_guard lock(mutex_);
  return store_ == nullptr ? TranslationCounts{} : store_->counts();
}

}  // namespace cumulet::hypervisor
