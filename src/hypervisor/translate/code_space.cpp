// Blocks: lookup, translation, chaining, invalidation, and stopping other vCPUs where that needs it.
#include "hypervisor/translate/code_space.h"

#include <algorithm>

#include "base/check.h"

namespace cumulet::hypervisor {

namespace {
// More than any block of Translator's takes.
constexpr uint64_t kMaxHotSize = 16 << 10, kMaxColdSize = 32 << 10;
constexpr size_t kMaxLinks = 256;
constexpr uint64_t kMaxGuestSize = 1024;
constexpr uint64_t kMaxInstructionLength = 15;
}  // namespace

Result<std::unique_ptr<CodeSpace>> CodeSpace::create(GuestMemory& memory, const TranslateOptions& options,
                                                     const Context& layout, const StubHandlers& handlers) {
  auto cache = TRY(CodeCache::create(options.code_cache_size));
  Stubs stubs;
  cache->place_stubs(generate_stubs(cache->stub_address(), layout, handlers, stubs));
  return std::unique_ptr<CodeSpace>(new CodeSpace(memory, options, layout, std::move(cache), stubs));
}

CodeSpace::CodeSpace(GuestMemory& memory, const TranslateOptions& options, const Context& layout,
                     std::unique_ptr<CodeCache> cache, const Stubs& stubs)
    : memory_(memory),
      pages_(memory),
      cache_(std::move(cache)),
      stubs_(stubs),
      translator_(layout, stubs, options.mode == TranslateMode::kSingleInstructionBlocks) {}

void CodeSpace::add_vcpu(Context& context, Gate& gate, LinkSlots& slots, DirectWindow& window) {
  std::lock_guard lock(mutex_);
  vcpus_.push_back({&context, &gate, &slots, &window});
  for (uint32_t link = 0; link < links_.size(); ++link) slots.set(link, links_[link].leave_stub);
}

void CodeSpace::remove_vcpu(const Gate& gate) {
  std::lock_guard lock(mutex_);
  std::erase_if(vcpus_, [&gate](const Vcpu& vcpu) { return vcpu.gate == &gate; });
}

std::optional<FoundBlock> CodeSpace::find(const BlockRequest& request, const Gate& gate) {
  std::lock_guard lock(mutex_);
  Block* block = lookup(request);
  if (block == nullptr) block = make(request, gate);
  if (block == nullptr) return std::nullopt;
  return FoundBlock{block->host, block->indirect};
}

std::optional<FoundBlock> CodeSpace::find_existing(const BlockRequest& request) {
  std::lock_guard lock(mutex_);
  Block* block = lookup(request);
  if (block == nullptr) return std::nullopt;
  return FoundBlock{block->host, block->indirect};
}

Block* CodeSpace::lookup(const BlockRequest& request) {
  auto found = by_key_.find(request.key);
  if (found == by_key_.end()) return nullptr;
  Block* block = found->second;
  bool same_second_page = block->chainable() || block->second_page == request.second_page;
  return same_second_page ? block : nullptr;
}

// The bytes from the request's address on: to the end of its page, and a little of the second page if that is
// known.
std::vector<uint8_t> CodeSpace::read_code(const BlockRequest& request) const {
  uint64_t left = kPageSize - (request.key.physical & ~kPageMask);
  std::vector<uint8_t> bytes(std::min(left, kMaxGuestSize));
  if (!memory_.read(request.key.physical, bytes)) return {};
  if (left < kMaxInstructionLength && request.second_page != kNoPage) {
    std::vector<uint8_t> more(kMaxInstructionLength);
    if (memory_.read(request.second_page, more)) bytes.insert(bytes.end(), more.begin(), more.end());
  }
  return bytes;
}

Block* CodeSpace::make(const BlockRequest& request, const Gate& gate) {
  if (!cache_->has_room(kMaxHotSize, kMaxColdSize) || links_.size() > kLinkSlots - kMaxLinks) clear(gate);
  TranslationResult result;
  uint64_t first_page_size = kPageSize - (request.key.physical & ~kPageMask);
  while (true) {
    std::vector<uint8_t> bytes = read_code(request);
    if (bytes.empty()) return nullptr;
    std::optional<DirectEntry> direct = request.direct;
    if (direct) direct->hints = &hints_;
    result = translator_.translate({request.key.physical, request.key.rip, request.key.mode, bytes,
                                    cache_->hot_address(), cache_->cold_address(),
                                    static_cast<uint32_t>(links_.size()), request.indirect,
                                    direct ? &*direct : nullptr});
    if (result.size == 0) return nullptr;
    // Once the page counts as code, every store to it is noticed; what was stored before, the second look
    // sees.
    claim(request.key.physical, std::min<uint64_t>(result.size, first_page_size), gate);
    if (result.size > first_page_size) claim(request.second_page, result.size - first_page_size, gate);
    std::vector<uint8_t> again = read_code(request);
    if (again.size() == bytes.size() && std::equal(again.begin(), again.begin() + result.size, bytes.begin()))
      break;
  }
  Block block{.key = request.key, .size = result.size};
  if (result.size > first_page_size) block.second_page = request.second_page;
  block.host = cache_->hot_address() + result.entry_offset;
  block.host_size = static_cast<uint32_t>(translator_.hot().size()) - result.entry_offset;
  block.indirect = result.indirect;
  block.redirect = result.redirect;
  block.records = std::move(result.records);
  block.polls = std::move(result.polls);
  add_links(result.links);
  cache_->place(translator_.hot(), translator_.cold());
  std::lock_guard lock(blocks_mutex_);
  blocks_.push_back(std::move(block));
  register_block(blocks_.back());
  return &blocks_.back();
}

// Any vCPU may take the new jumps as soon as it can get into the block.
void CodeSpace::add_links(const std::vector<Link>& links) {
  CHECK(links.size() <= kMaxLinks);
  for (const Link& link : links) {
    for (Vcpu& vcpu : vcpus_) vcpu.slots->set(static_cast<uint32_t>(links_.size()), link.leave_stub);
    links_.push_back(link);
  }
}

void CodeSpace::register_block(Block& block) {
  by_key_[block.key] = &block;
  by_page_[block.key.physical & kPageMask].push_back(&block);
  if (block.second_page != kNoPage) by_page_[block.second_page].push_back(&block);
}

// Marks bytes of one page as code, and takes the page's stores away from every TLB.
void CodeSpace::claim(GuestAddress address, uint64_t size, const Gate& gate) {
  claim_page(address & kPageMask, CodePages::chunks(address & ~kPageMask, size), gate);
}

void CodeSpace::claim_page(GuestAddress page, uint64_t chunks, const Gate& gate) {
  std::atomic<uint64_t>& mask = *pages_.mask(page);
  uint64_t before = mask.fetch_or(chunks);
  if ((before & chunks) == chunks) return;
  // A vCPU that fills a TLB line looks at the mask afterwards (fill_tlb), so none can be missed here.
  for (Vcpu& vcpu : vcpus_) {
    if (before == 0) vcpu.window->protect(page);
    auto line_stores_to = [page](TlbEntry& line) {
      return line.write_tag.load() != kInvalidTag && (line.physical.load() & kPageMask) == page;
    };
    std::vector<TlbEntry*> lines;
    if (before == 0) {
      for (auto& tlb : vcpu.context->tlb)
        for (TlbEntry& line : tlb)
          if (line_stores_to(line)) lines.push_back(&line);
    }
    bool direct = vcpu.context->direct_write_page.load() == page;
    if (lines.empty() && !direct) continue;
    // It may be between its check and its store: wait until it is at a block's start or out.
    bool self = vcpu.gate == &gate;
    if (!self) vcpu.gate->stop();
    if (!self) vcpu.gate->wait_until_out();
    for (TlbEntry* line : lines) line->write_tag.store(kInvalidTag);
    if (direct) vcpu.context->direct_write_page.store(kNoPage);
    if (!self) vcpu.gate->resume();
  }
}

void CodeSpace::point_link(uint32_t link, uint64_t target) {
  uint64_t relative = links_[link].relative_address;
  cache_->patch32(relative, static_cast<uint32_t>(target - (relative + 4)));
}

void CodeSpace::chain(uint32_t link, uint64_t epoch, const BlockRequest& request, LinkSlots& slots) {
  std::lock_guard lock(mutex_);
  if (epoch != epoch_.load() || link >= links_.size()) return;
  const Link& from = links_[link];
  if (from.target != request.key.rip || from.mode != request.key.mode) return;
  Block* block = lookup(request);
  if (block == nullptr) return;
  list_incoming(*block, link);
  if (from.relative_address != 0 && block->chainable()) return point_link(link, block->host);
  if (from.relative_address != 0) point_link(link, from.slot_stub);
  slots.fill(link, from.leave_stub, block->host, (from.mode & kModeUser) != 0);
}

// A link whose target differs between vCPUs is listed each time that it changes: doubles go now and then.
void CodeSpace::list_incoming(Block& block, uint32_t link) {
  constexpr size_t kFew = 16;
  if (links_[link].listed == &block) return;
  links_[link].listed = &block;
  std::vector<uint32_t>& list = block.incoming;
  if (list.size() >= kFew && list.size() == list.capacity()) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    list.reserve(2 * list.size());
  }
  list.push_back(link);
}

void CodeSpace::changed(GuestAddress address, uint64_t size) {
  // The write comes before the look at the masks, as make() sets them before it reads the bytes again.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!pages_.holds_code(address, size)) return;
  std::lock_guard lock(mutex_);
  for (uint64_t page = address & kPageMask; page < address + size; page += kPageSize) {
    auto found = by_page_.find(page);
    if (found == by_page_.end()) continue;
    std::vector<Block*> blocks = found->second;
    for (Block* block : blocks) {
      uint64_t first_size = std::min<uint64_t>(block->size, kPageSize - (block->key.physical & ~kPageMask));
      bool hit = block->key.physical < address + size && address < block->key.physical + first_size;
      if (block->second_page != kNoPage)
        hit |=
            block->second_page < address + size && address < block->second_page + (block->size - first_size);
      if (hit) drop(*block);
    }
  }
}

// Takes a block out of use. Whoever is inside may finish it, as a processor may run instructions that it
// fetched before they changed (SDM volume 3, 9.1.3); nobody begins it again.
void CodeSpace::drop(Block& block) {
  auto found = by_key_.find(block.key);
  if (found != by_key_.end() && found->second == &block) by_key_.erase(found);
  for (uint32_t link : block.incoming) {
    Link& from = links_[link];
    if (from.listed == &block) from.listed = nullptr;
    if (from.relative_address != 0) point_link(link, from.leave_stub);
    for (Vcpu& vcpu : vcpus_) vcpu.slots->set(link, from.leave_stub);
  }
  block.incoming.clear();
  constexpr uint64_t kJump = 0xe9, kNop3 = 0x001f0f;
  auto redirect = [&](uint64_t poll, uint64_t target) {
    uint64_t relative = static_cast<uint32_t>(target - (poll + 5));
    cache_->patch64(poll, kJump | relative << 8 | kNop3 << 40);
  };
  redirect(block.host, block.redirect);
  for (const Poll& poll : block.polls) redirect(poll.host, poll.redirect);

  for (GuestAddress page : {block.key.physical & kPageMask, block.second_page}) {
    if (page == kNoPage) continue;
    std::vector<Block*>& blocks = by_page_[page];
    std::erase(blocks, &block);
    uint64_t chunks = 0;
    for (Block* other : blocks) {
      uint64_t first_size = std::min<uint64_t>(other->size, kPageSize - (other->key.physical & ~kPageMask));
      if ((other->key.physical & kPageMask) == page)
        chunks |= CodePages::chunks(other->key.physical & ~kPageMask, first_size);
      if (other->second_page == page) chunks |= CodePages::chunks(0, other->size - first_size);
    }
    pages_.mask(page)->store(chunks);
    if (blocks.empty()) by_page_.erase(page);
  }
}

void CodeSpace::refine(const BlockKey& key, GuestAddress site, std::optional<uint8_t> slot) {
  std::lock_guard lock(mutex_);
  hints_.note(site, slot);
  auto found = by_key_.find(key);
  if (found != by_key_.end()) drop(*found->second);
}

// Empties the cache, with every other vCPU out of it. Their jump caches are emptied with it.
void CodeSpace::clear(const Gate& gate) {
  for (Vcpu& vcpu : vcpus_)
    if (vcpu.gate != &gate) vcpu.gate->stop();
  for (Vcpu& vcpu : vcpus_)
    if (vcpu.gate != &gate) vcpu.gate->wait_until_out();
  for (auto& [page, blocks] : by_page_) pages_.mask(page)->store(0);
  by_page_.clear();
  by_key_.clear();
  links_.clear();
  for (Vcpu& vcpu : vcpus_) vcpu.slots->forget();
  {
    std::lock_guard lock(blocks_mutex_);
    blocks_.clear();
  }
  cache_->clear();
  epoch_.fetch_add(1);
  for (Vcpu& vcpu : vcpus_)
    if (vcpu.gate != &gate) vcpu.gate->resume();
}

std::optional<FaultPoint> CodeSpace::fault_point(uint64_t host_rip) {
  std::lock_guard lock(blocks_mutex_);
  auto after = std::upper_bound(blocks_.begin(), blocks_.end(), host_rip,
                                [](uint64_t address, const Block& block) { return address < block.host; });
  if (after == blocks_.begin()) return std::nullopt;
  const Block& block = *std::prev(after);
  uint64_t offset = host_rip - block.host;
  if (offset >= block.host_size) return std::nullopt;
  if (offset == 0) return FaultPoint{block.key.rip, block.key.rip, true, {}};
  auto next =
      std::upper_bound(block.records.begin(), block.records.end(), offset,
                       [](uint64_t at, const InstructionRecord& record) { return at < record.host_offset; });
  if (next == block.records.begin()) return std::nullopt;
  const InstructionRecord& record = *std::prev(next);
  return FaultPoint{block.key.rip + record.guest_offset, block.key.rip, false, record};
}

}  // namespace cumulet::hypervisor
