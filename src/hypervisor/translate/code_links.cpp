// The direct jumps between blocks: made with a block, chained, and moved to the block that takes one's place.
#include <algorithm>

#include "base/check.h"
#include "hypervisor/translate/code_space.h"

namespace cumulet::hypervisor {

namespace {}

// Any vCPU may take the new jumps as soon as it can get into the block.
void CodeSpace::add_links(const std::vector<Link>& links) {
  for (const Link& link : links) {
    CHECK(link.relative_address == 0 || link.leave_stub == link.slot_stub + kSlotStubSize);
    for (Vcpu& vcpu : vcpus_) vcpu.slots->set(links_.count(), link.leave_stub);
    links_.add(link, code());
  }
}

// True if a block made again has the same jumps as far as slots are concerned, which go back to the leave
// stubs by themselves.
bool CodeSpace::same_stubs(const Block& block, const std::vector<Link>& links) const {
  if (links.size() != block.link_count) return false;
  for (uint32_t i = 0; i < block.link_count; ++i)
    if (links[i].leave_stub != code() + links_.at(block.first_link + i).leave_stub) return false;
  return true;
}

// Precondition: same_stubs().
void CodeSpace::replace_links(const Block& block, const std::vector<Link>& links) {
  for (uint32_t i = 0; i < block.link_count; ++i) {
    uint32_t link = block.first_link + i;
    links_.unchain(link, blocks_);
    links_.replace(link, links[i], code());
    for (Vcpu& vcpu : vcpus_) vcpu.slots->set(link, links[i].leave_stub);
  }
}

void CodeSpace::point_link(const StoredLink& link, uint32_t target) {
  cache_->patch32(code() + link.relative, target - (link.relative + 4));
}

void CodeSpace::chain(uint32_t link, uint64_t epoch, const BlockRequest& request, const Context& context,
                      LinkSlots& slots) {
  std::lock_guard lock(mutex_);
  if (epoch != epoch_.load() || link >= links_.count()) return;
  StoredLink& from = links_.at(link);
  bool relative = (from.mode & kModeRelative) != 0;
  uint64_t target = static_cast<uint64_t>(int64_t{from.target}) +
                    (relative ? context.page_bases[context.page_number].base : 0);
  if (relative && context.page_bases[context.page_number].base == kNoBase) return;
  // Whether it has direct memory, or an address of its own, is the target's affair.
  constexpr CodeMode kTargets = kModeDirect | kModeRelative;
  if (target != request.rip || ((from.mode ^ request.key.mode) & ~kTargets) != 0) return;
  uint32_t number = lookup_number(request);
  if (number == BlockTable::kNone || from.chained_to != StoredLink::kNoBlock) return;
  Block& block = blocks_.at(number);
  // What has an address of its own must not follow from what is the same at all of them, nor the reverse:
  // bases may have changed (PageBases). And address spaces with direct memory share pages with others.
  if (from.relative != 0 && block.chainable() && from.mode == block.mode.load()) {
    links_.chain(link, block, number);
    return point_link(from, block.host.load());
  }
  if (from.relative != 0) point_link(from, from.leave_stub - kSlotStubSize);
  slots.fill(link, code() + from.leave_stub, code() + block.host.load(), (from.mode & kModeUser) != 0);
}

// What still jumps to a dropped block jumps to the one that takes its place. Slots are their vCPUs' affair
// (LinkSlots::forget_code).
void CodeSpace::move_incoming(Block& from, Block& to, uint32_t number) {
  while (from.first_incoming != kNoLink) {
    uint32_t link = from.first_incoming;
    StoredLink& jump = links_.at(link);
    links_.unchain(link, blocks_);
    point_link(jump, to.chainable() ? to.host.load() : jump.leave_stub - kSlotStubSize);
    if (to.chainable()) links_.chain(link, to, number);
  }
}

}  // namespace cumulet::hypervisor
