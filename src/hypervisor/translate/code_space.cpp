// Blocks: lookup and translation.
#include "hypervisor/translate/code_space.h"

#include <algorithm>

#include "base/check.h"
#include "hypervisor/interpret/guest_ram_unsafe.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kMaxGuestSize = 1024;
constexpr uint64_t kMaxInstructionLength = 15;
// So often a block may be dropped before its immediates are taken to be what keeps changing.
constexpr uint16_t kFewDrops = 4;
constexpr uint16_t kSmallCode = 128;  // a larger block that is dropped is probably new code each time

// What a block may need later: its redirect, for which there is always room, and its indirect entry.
constexpr uint64_t kRedirectSize = 24, kIndirectEntrySize = 96;

Stubs place_stubs(CodeCache& cache, const Context& layout, const StubHandlers& handlers,
                  const GuestMemory& memory, CodePages& pages) {
  const MemoryRegion& first = memory.regions().front();
  uint64_t ram = ram_host_address(memory, first.address, first.size) - first.offset;
  Stubs stubs;
  cache.place_stubs(generate_stubs(cache.stub_address(), layout, handlers,
                                   {ram, reinterpret_cast<uint64_t>(pages.table())}, stubs));
  return stubs;
}
}  // namespace

Result<std::unique_ptr<CodeSpace>> CodeSpace::create(GuestMemory& memory, const TranslateOptions& options,
                                                     const Context& layout, const StubHandlers& handlers) {
  auto cache = TRY(CodeCache::create(options.code_cache_size));
  return std::unique_ptr<CodeSpace>(new CodeSpace(memory, options, layout, std::move(cache), handlers));
}

CodeSpace::CodeSpace(GuestMemory& memory, const TranslateOptions& options, const Context& layout,
                     std::unique_ptr<CodeCache> cache, const StubHandlers& handlers)
    : memory_(memory),
      ram_ahead_(memory),
      pages_(memory),
      cache_(std::move(cache)),
      stubs_(place_stubs(*cache_, layout, handlers, memory, pages_)),
      blocks_(cache_->most_blocks()),
      table_(blocks_),
      translator_(layout, stubs_,
                  {options.mode == TranslateMode::kSingleInstructionBlocks, options.regions_everywhere,
                   options.keep_all_flags}) {
  if (options.mode == TranslateMode::kChainedBlocks && !options.translation_cache.empty())
    store_ = CodeStore::open(options.translation_cache, layout, stubs_, cache_->stub_address(),
                             options.code_cache_size);
}

void CodeSpace::add_vcpu(Context& context, Gate& gate, LinkSlots& slots, DirectWindow& window) {
  std::lock_guard lock(mutex_);
  context.first_storer = next_storer_;
  next_storer_ += kTlbCount * kTlbEntries;
  vcpus_.push_back({&context, &gate, &slots, &window});
  for (uint32_t link = 0; link < links_.count(); ++link) slots.set(link, code() + links_.at(link).leave_stub);
}

void CodeSpace::remove_vcpu(const Gate& gate) {
  std::lock_guard lock(mutex_);
  std::erase_if(vcpus_, [&gate](const Vcpu& vcpu) { return vcpu.gate == &gate; });
}

uint32_t CodeSpace::page_number(GuestAddress page) {
  CodePage* entry = pages_.page(page);
  if (entry == nullptr) return kNoPageNumber;
  uint32_t number = entry->number.load(std::memory_order_relaxed);
  if (number != kNoPageNumber) return number;
  std::lock_guard lock(mutex_);
  if (entry->number.load() != kNoPageNumber || numbered_.size() + 1 == kPageBases)
    return entry->number.load();
  numbered_.push_back(entry);
  entry->number.store(static_cast<uint32_t>(numbered_.size()));
  return entry->number.load();
}

std::optional<FoundBlock> CodeSpace::find(const BlockRequest& request, const Gate& gate) {
  Block* block = lookup(request);
  if (block == nullptr || (request.indirect && block->indirect.load(std::memory_order_acquire) == 0)) {
    std::lock_guard lock(mutex_);
    if (!number_holds(request)) return std::nullopt;
    block = lookup(request);
    if (block == nullptr || (request.indirect && !add_indirect_entry(*block, request)))
      block = make(request, gate);
  }
  if (block == nullptr) return std::nullopt;
  uint32_t indirect = block->indirect.load(std::memory_order_acquire);
  return FoundBlock{code() + block->host.load(std::memory_order_relaxed),
                    indirect == 0 ? 0 : code() + indirect, block->verifiable()};
}

uint32_t CodeSpace::lookup_number(const BlockRequest& request) const {
  uint32_t number = table_.find(request.key);
  if (number == BlockTable::kNone) return BlockTable::kNone;
  const Block& block = blocks_.at(number);
  bool same_second_page = block.chainable() || block.second_page() == request.second_page;
  return block.valid.load() && same_second_page ? number : BlockTable::kNone;
}

Block* CodeSpace::lookup(const BlockRequest& request) const {
  uint32_t number = lookup_number(request);
  return number == BlockTable::kNone ? nullptr : &blocks_.at(number);
}

// So much fits, and the redirects of all blocks besides.
bool CodeSpace::has_room(uint64_t hot, uint64_t cold) const {
  return cache_->has_room(hot, cold + (blocks_.count() + 1) * kRedirectSize);
}

// Most blocks are never jumped to indirectly, so they have no entry for that before somebody asks. False: the
// cache is full.
bool CodeSpace::add_indirect_entry(Block& block, const BlockRequest& request) {
  if (block.indirect.load() != 0) return true;
  if (!has_room(0, kIndirectEntrySize)) return false;
  uint64_t address = cache_->cold_address();
  TranslationRequest entry{request.key.physical, request.rip, request.key.mode, {}, 0, address, 0};
  entry.page_number = request.page_number;
  cache_->place_cold(translator_.indirect_entry(entry, code() + block.host.load()));
  block.indirect.store(offset(address), std::memory_order_release);
  return true;
}

// The bytes from the request's address on: to the end of its page, and a little of the second page if that is
// known.
bool CodeSpace::read_code(const BlockRequest& request, Bytes& out) const {
  uint64_t left = kPageSize - (request.key.physical & ~kPageMask);
  out.size = std::min(left, kMaxGuestSize);
  if (!memory_.read(request.key.physical, MutableByteView(out.bytes).first(out.size))) return false;
  if (left < kMaxInstructionLength && request.second_page != kNoPage &&
      memory_.read(request.second_page, MutableByteView(out.bytes).subspan(out.size, kMaxInstructionLength)))
    out.size += kMaxInstructionLength;
  return true;
}

uint64_t CodeSpace::code_address(const BlockRequest& request) const {
  uint64_t left = kPageSize - (request.key.physical & ~kPageMask);
  return ram_host_address(memory_, request.key.physical, left);
}

// True if guest RAM holds these bytes where a block for this request would be made from.
bool CodeSpace::code_is(const BlockRequest& request, ByteView bytes) const {
  std::array<uint8_t, kMaxGuestSize + kMaxInstructionLength> now;
  uint64_t first = std::min<uint64_t>(bytes.size(), kPageSize - (request.key.physical & ~kPageMask));
  if (!memory_.read(request.key.physical, MutableByteView(now).first(first))) return false;
  uint64_t second = bytes.size() - first;
  if (second != 0 && !memory_.read(request.second_page, MutableByteView(now).subspan(first, second)))
    return false;
  return std::equal(bytes.begin(), bytes.end(), now.begin());
}

// Translates the request's code for `place`, from bytes whose changes will be noticed. False: nothing to
// translate.
bool CodeSpace::translate(const BlockRequest& request, const Place& place, const Gate& gate) {
  uint64_t first_page_size = kPageSize - (request.key.physical & ~kPageMask);
  while (true) {
    if (!read_code(request, *bytes_)) return false;
    make_code(request, place);
    if (result_->size == 0) return false;
    // Once the page counts as code, every store to it is noticed; what was stored before, the second look
    // sees.
    claim(request.key.physical, std::min<uint64_t>(result_->size, first_page_size), gate);
    if (result_->size > first_page_size) claim(request.second_page, result_->size - first_page_size, gate);
    if (code_is(request, bytes_->view().first(result_->size))) break;
  }
  note_made(request, place);
  return true;
}

// Makes the code of bytes_, by the store or the translator.
void CodeSpace::make_code(const BlockRequest& request, const Place& place) {
  if (take_stored(stored_block(request, place))) return;
  std::optional<DirectEntry> direct = request.direct;
  if (direct) direct->hints = &hints_;
  result_ =
      &translator_.translate({request.key.physical, request.rip, request.key.mode, bytes_->view(), place.hot,
                              place.cold, place.first_link, place.indirect, direct ? &*direct : nullptr,
                              place.changing ? code_address(request) : 0, request.page_number});
  hot_ = translator_.hot();
  cold_ = translator_.cold();
}

GuestAddress CodeSpace::second_page(const BlockRequest& request) const {
  uint64_t first_page_size = kPageSize - (request.key.physical & ~kPageMask);
  return result_->size > first_page_size ? request.second_page : kNoPage;
}

// False if the cache was emptied since the request's page got its number.
bool CodeSpace::number_holds(const BlockRequest& request) {
  if (request.page_number == kNoPageNumber) return true;
  return pages_.page(request.key.physical)->number.load() == request.page_number;
}

Block* CodeSpace::make(const BlockRequest& request, const Gate& gate) {
  uint32_t number = table_.find(request.key);
  Block* old = number == BlockTable::kNone ? nullptr : &blocks_.at(number);
  bool dropped = old != nullptr && !old->valid.load();
  if (dropped && hold_others(gate)) {
    Block* block = make_again(number, request, gate);
    release_others(gate);
    if (block != nullptr) return block;
  }
  if (!has_room_for_block()) {
    clear(gate);
    dropped = false;
    if (!number_holds(request)) return nullptr;
  }
  Block* block = make_new(dropped ? old : nullptr, request, gate);
  if (block != nullptr && from_store_) place_neighbours(request, gate);
  return block;
}

bool CodeSpace::has_room_for_block() const {
  return has_room(kMaxHotSize, kMaxColdSize) && links_.count() <= kLinkSlots - kMaxLinks;
}

bool CodeSpace::immediates_change(const Block& block) const {
  return blocks_.extras(block).drops >= kFewDrops && block.size <= kSmallCode;
}

// Translates a dropped block's code to where it was, so that everything that jumps there is right again; null
// if it does not fit. Nobody else is inside.
Block* CodeSpace::make_again(uint32_t number, const BlockRequest& request, const Gate& gate) {
  Block& old = blocks_.at(number);
  Place place{code() + old.hot(),    code() + old.cold,      old.first_link,
              old.entry_offset != 0, immediates_change(old), true};
  if (!translate(request, place, gate)) return nullptr;
  // What jumps to a block of one page may do so with another second page.
  bool fits = hot_.size() <= old.hot_capacity && cold_.size() <= old.cold_capacity &&
              result_->records.size() <= old.record_capacity && same_stubs(old, result_->links) &&
              result_->entry_offset == old.entry_offset && second_page(request) == old.second_page();
  if (!fits) return nullptr;
  replace_links(old, result_->links);
  cache_->replace(place.hot, hot_, place.cold, cold_);
  fill_block(old, request, place);
  register_block(number);
  old.valid.store(true);
  return &old;
}

Block* CodeSpace::make_new(Block* old, const BlockRequest& request, const Gate& gate) {
  Place place{cache_->hot_address(), cache_->cold_address(), links_.count(), request.indirect,
              old != nullptr && immediates_change(*old)};
  return translate(request, place, gate) ? &add_block(old, request, place) : nullptr;
}

// Adds what translate() made, in the place of `old` if that is not null.
Block& CodeSpace::add_block(Block* old, const BlockRequest& request, const Place& place) {
  Block& block = blocks_.add(static_cast<uint16_t>(result_->records.size()));
  CHECK(result_->links.size() <= kMaxLinks);
  add_links(result_->links);
  cache_->place(hot_, cold_);
  block.hot_capacity = static_cast<uint16_t>(cache_->hot_address() - place.hot);
  block.cold_capacity = static_cast<uint16_t>(cache_->cold_address() - place.cold);
  block.first_incoming = kNoLink;
  block.indirect.store(result_->indirect == 0 ? 0 : offset(result_->indirect), std::memory_order_relaxed);
  if (old != nullptr) blocks_.make_extras(block).drops = blocks_.extras(*old).drops;
  fill_block(block, request, place);
  uint32_t number = blocks_.count();
  blocks_.publish();
  block.valid.store(true);
  register_block(number);
  if (old != nullptr) move_incoming(*old, block, number);
  table_.insert(request.key, number);
  return block;
}

void CodeSpace::fill_block(Block& block, const BlockRequest& request, const Place& place) {
  GuestAddress second = second_page(request);
  block.physical.store(request.key.physical, std::memory_order_relaxed);
  block.rip.store(request.key.rip, std::memory_order_relaxed);
  block.mode.store(request.key.mode, std::memory_order_relaxed);
  block.second_page_frame.store(
      second == kNoPage ? Block::kNoFrame : static_cast<uint32_t>(second / kPageSize),
      std::memory_order_relaxed);
  block.entry_offset = static_cast<uint8_t>(result_->entry_offset);
  block.host.store(offset(place.hot) + result_->entry_offset, std::memory_order_relaxed);
  block.cold = offset(place.cold);
  block.size = result_->size;
  block.record_count = static_cast<uint16_t>(result_->records.size());
  block.link_count = static_cast<uint16_t>(result_->links.size());
  block.first_link = place.first_link;
  std::copy(result_->records.begin(), result_->records.end(), blocks_.records(block));
  if (block.extras == 0 && result_->polls.empty() && result_->holes.empty()) return;
  BlockExtras& extras = blocks_.make_extras(block);
  extras.polls = result_->polls;
  extras.holes = result_->holes;
}

// The number of the block whose hot code holds a host address, or BlockTable::kNone.
uint32_t CodeSpace::number_at(uint64_t host_rip) const {
  uint32_t at = offset(host_rip), low = 0, high = blocks_.count();
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (blocks_.at(middle).host.load(std::memory_order_relaxed) <= at) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return BlockTable::kNone;
  const Block& block = blocks_.at(low - 1);
  return at - block.hot() < block.hot_capacity ? low - 1 : BlockTable::kNone;
}

// The linear address of a block in the address space of the moment.
uint64_t CodeSpace::rip_of(const Block& block, const Context& context) {
  uint64_t rip = block.rip.load(std::memory_order_relaxed);
  if (!block.relative()) return rip;
  GuestAddress physical = block.physical.load(std::memory_order_relaxed);
  return context.page_bases[pages_.page(physical)->number.load()].base + (physical & ~kPageMask);
}

DroppedBlock CodeSpace::dropped_block(const Context& context, uint32_t number) {
  const Block& block = blocks_.at(number);
  uint32_t indirect = block.indirect.load();
  uint32_t page = block.relative() ? pages_.page(block.physical.load())->number.load() : kNoPageNumber;
  return {rip_of(block, context),
          block.mode.load(),
          page,
          {code() + block.host.load(), indirect == 0 ? 0 : code() + indirect, block.verifiable()}};
}

// The caller is inside, so nothing that it can be in changes now.
std::optional<FaultPoint> CodeSpace::fault_point(const Context& context, uint64_t host_rip) {
  uint32_t number = number_at(host_rip);
  if (number == BlockTable::kNone) return std::nullopt;
  const Block& block = blocks_.at(number);
  uint64_t at = offset(host_rip) - block.host.load(std::memory_order_relaxed);
  uint64_t rip = rip_of(block, context);
  if (at == 0) return FaultPoint{rip, rip, block.mode.load(), true, {}};
  const InstructionRecord* first = blocks_.records(block);
  const InstructionRecord* next = std::upper_bound(
      first, first + block.record_count, at,
      [](uint64_t searched, const InstructionRecord& record) { return searched < record.host_offset; });
  if (next == first) return std::nullopt;
  const InstructionRecord& record = *std::prev(next);
  return FaultPoint{rip + record.guest_offset, rip, block.mode.load(), false, record};
}

}  // namespace cumulet::hypervisor
