// Dropping blocks whose code changed, and emptying the cache.
#include <algorithm>

#include "base/check.h"
#include "hypervisor/translate/code_space.h"

namespace cumulet::hypervisor {

namespace {
// A block on a page's list: its number and which of its pages this is, plus 1.
constexpr uint32_t list_item(uint32_t block, uint32_t slot) { return (block << 1 | slot) + 1; }
constexpr uint32_t item_block(uint32_t item) { return (item - 1) >> 1; }
constexpr uint32_t item_slot(uint32_t item) { return (item - 1) & 1; }
}  // namespace

void CodeSpace::register_block(uint32_t number) {
  Block& block = blocks_.at(number);
  GuestAddress second = block.second_page();
  for (uint32_t slot = 0; slot < (second == kNoPage ? 1 : 2); ++slot) {
    CodePage& page = *pages_.page(slot == 0 ? block.physical.load() : second);
    block.next[slot] = page.first_block;
    page.first_block = list_item(number, slot);
  }
}

void CodeSpace::changed(GuestAddress address, uint64_t size) {
  // The write comes before the look at the chunks, as translate() sets them before it reads the bytes again.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!pages_.holds_code(address, size)) return;
  std::lock_guard lock(mutex_);
  drop_overlapping(address, size);
}

bool CodeSpace::drop_for_store(Context& context, GuestAddress address, uint64_t size, uint64_t host_rip) {
  // Not waiting for the lock: whoever has it may be waiting for this vCPU to be out.
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return false;
  uint32_t current = number_at(host_rip);
  if (current == BlockTable::kNone || depends_on(current, address, size)) return false;
  drop_overlapping(address, size);
  context.dropping_store_page = address & kPageMask;
  return true;
}

void CodeSpace::refine(const BlockKey& key, GuestAddress site, std::optional<uint8_t> slot) {
  std::lock_guard lock(mutex_);
  hints_.note(site, slot);
  drop_if_there(key);
}

void CodeSpace::refine_index(const BlockKey& key, GuestAddress site) {
  std::lock_guard lock(mutex_);
  hints_.note_large_index(site);
  drop_if_there(key);
}

void CodeSpace::drop_if_there(const BlockKey& key) {
  uint32_t number = table_.find(key);
  if (number != BlockTable::kNone && blocks_.at(number).valid.load()) drop(number);
}

bool CodeSpace::depends_on(uint32_t number, GuestAddress address, uint64_t size) const {
  const Block& block = blocks_.at(number);
  return block.depends_on(address, size, blocks_.extras(block).holes);
}

void CodeSpace::drop_overlapping(GuestAddress address, uint64_t size) {
  for (uint64_t page = address & kPageMask; page < address + size; page += kPageSize) {
    CodePage* entry = pages_.page(page);
    uint32_t item = entry == nullptr ? 0 : entry->first_block;
    while (item != 0) {
      uint32_t number = item_block(item);
      item = blocks_.at(number).next[item_slot(item)];
      if (!depends_on(number, address, size)) continue;
      drop(number);
      entry->changes.fetch_add(1);
    }
  }
}

// Where a dropped block goes. Room for it is kept (has_room()).
uint32_t CodeSpace::redirect_of(uint32_t number) {
  BlockExtras& extras = blocks_.make_extras(blocks_.at(number));
  if (extras.redirect != 0) return extras.redirect;
  redirect_.start(cache_->cold_address());
  translator_.emit_redirect(redirect_, number);
  extras.redirect = offset(cache_->cold_address());
  cache_->place_cold(redirect_.bytes());
  return extras.redirect;
}

// Takes a block out of use. Whoever is inside may finish it, as a processor may run instructions that it
// fetched before they changed (SDM volume 3, 9.1.3); nobody begins it again.
void CodeSpace::drop(uint32_t number) {
  Block& block = blocks_.at(number);
  block.valid.store(false);
  BlockExtras& extras = blocks_.make_extras(block);
  if (extras.drops < UINT16_MAX) ++extras.drops;
  constexpr uint64_t kJump = 0xe9, kNop3 = 0x001f0f;
  auto redirect = [&](uint64_t poll, uint64_t target) {
    uint64_t relative = static_cast<uint32_t>(target - (poll + 5));
    cache_->patch64(poll, kJump | relative << 8 | kNop3 << 40);
  };
  redirect(code() + block.host.load(), code() + redirect_of(number));
  for (const Poll& poll : extras.polls) redirect(poll.host, poll.redirect);
  for (GuestAddress page : {block.physical.load() & kPageMask, block.second_page()})
    if (page != kNoPage) remove_from_page(page, number);
}

// Takes a block off a page's list, and leaves the page the chunks of the blocks that stay.
void CodeSpace::remove_from_page(GuestAddress page, uint32_t block) {
  CodePage& entry = *pages_.page(page);
  uint64_t chunks = 0;
  for (uint32_t* item = &entry.first_block; *item != 0;) {
    Block& listed = blocks_.at(item_block(*item));
    uint32_t slot = item_slot(*item);
    if (item_block(*item) == block) {
      *item = listed.next[slot];
      continue;
    }
    chunks |= slot == 0 ? CodePages::chunks(listed.physical.load() & ~kPageMask, listed.first_size())
                        : CodePages::chunks(0, listed.size - listed.first_size());
    item = &listed.next[slot];
  }
  entry.chunks.store(chunks);
}

// Empties the cache, with every other vCPU out of it. Their jump caches are emptied with it.
void CodeSpace::clear(const Gate& gate) {
  for (Vcpu& vcpu : vcpus_)
    if (vcpu.gate != &gate) vcpu.gate->stop();
  for (Vcpu& vcpu : vcpus_)
    if (vcpu.gate != &gate) vcpu.gate->wait_until_out();
  for (uint32_t number = 0; number < blocks_.count(); ++number) {
    const Block& block = blocks_.at(number);
    for (GuestAddress page : {block.physical.load() & kPageMask, block.second_page()}) {
      if (page == kNoPage) continue;
      pages_.page(page)->chunks.store(0);
      pages_.page(page)->first_block = 0;
    }
  }
  for (CodePage* page : numbered_) page->number.store(kNoPageNumber);
  numbered_.clear();
  table_.clear();
  blocks_.clear();
  links_.clear();
  for (Vcpu& vcpu : vcpus_) vcpu.slots->forget();
  cache_->clear();
  epoch_.fetch_add(1);
  for (Vcpu& vcpu : vcpus_)
    if (vcpu.gate != &gate) vcpu.gate->resume();
}

}  // namespace cumulet::hypervisor
