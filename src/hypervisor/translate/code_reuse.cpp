// Blocks from the store of earlier VMs' translations.
#include "base/check.h"
#include "hypervisor/translate/code_space.h"

namespace cumulet::hypervisor {

namespace {
StoredKey stored_key(const BlockKey& key) {
  return {key.rip, static_cast<uint16_t>(key.physical & ~kPageMask), key.mode};
}

// What depends on more than guest code is not stored.
bool storable(const BlockRequest& request, bool changing) {
  return (request.key.mode & (kModeDirect | kModeRelative)) == 0 && !changing;
}
}  // namespace

// The code of bytes_ from the store, placed; or null.
const PlacedBlock* CodeSpace::stored_block(const BlockRequest& request, const Place& place) {
  if (store_ == nullptr || !storable(request, place.changing)) return nullptr;
  const StoredBlock* block = store_->find(stored_key(request.key), bytes_->view());
  if (block == nullptr || (place.again && block->indirect() != place.indirect)) return nullptr;
  return store_->place(*block, place.hot, place.cold, place.first_link);
}

// The code that make_code() made is in use.
void CodeSpace::note_made(const BlockRequest& request, const Place& place) {
  if (store_ == nullptr || !storable(request, place.changing)) return;
  if (from_store_) return store_->note_placed();
  store_->note(stored_key(request.key), request.key.rip, request.key.physical & kPageMask, place.indirect,
               bytes_->view(), result_->size);
}

// The block of `request` was just placed from the store: so are the others of its page that are not there
// yet.
void CodeSpace::place_neighbours(const BlockRequest& request, const Gate& gate) {
  // Making one of them may load another group in the place of this one.
  std::vector<StoredKey> keys;
  for (const StoredBlock& block : store_->group()) keys.push_back(block.key());
  for (const StoredKey& key : keys) {
    bool near = (key.rip & kPageMask) == (request.key.rip & kPageMask) &&
                ((key.mode ^ request.key.mode) & ~kModeAccessUser) == 0;
    if (!near) continue;
    BlockRequest other{{(request.key.physical & kPageMask) + key.page_offset, key.rip, key.mode}, key.rip};
    if (table_.find(other.key) != BlockTable::kNone) continue;
    if (!has_room_for_block()) return;
    only_stored_ = true;
    (void)make_new(nullptr, other, gate);
    only_stored_ = false;
  }
}

TranslationCounts CodeSpace::translation_counts() {
  std::lock_guard lock(mutex_);
  return store_ == nullptr ? TranslationCounts{} : store_->counts();
}

}  // namespace cumulet::hypervisor
