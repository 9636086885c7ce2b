// The direct jumps between blocks: made with a block, chained, and moved to the block that takes one's place.
#include <algorithm>

#include "base/check.h"
#include "hypervisor/translate/code_space.h"

namespace cumulet::hypervisor {

// Any vCPU may take the new jumps as soon as it can get into the block.
void CodeSpace::add_links(const std::vector<Link>& links) {
  for (const Link& link : links) {
    for (Vcpu& vcpu : vcpus_) vcpu.slots->set(static_cast<uint32_t>(links_.size()), link.leave_stub);
    links_.push_back(link);
  }
}

// True if a block made again has the same jumps as far as slots are concerned, which go back to the leave
// stubs by themselves.
bool CodeSpace::same_stubs(const Block& block, const std::vector<Link>& links) const {
  auto same = [](const Link& one, const Link& other) { return one.leave_stub == other.leave_stub; };
  auto first = links_.begin() + block.first_link;
  return std::equal(links.begin(), links.end(), first, first + block.link_count, same);
}

// Precondition: same_stubs().
void CodeSpace::replace_links(const Block& block, const std::vector<Link>& links) {
  for (uint32_t i = 0; i < block.link_count; ++i) {
    uint32_t link = block.first_link + i;
    links_[link] = links[i];
    for (Vcpu& vcpu : vcpus_) vcpu.slots->set(link, links[i].leave_stub);
  }
}

void CodeSpace::point_link(uint32_t link, uint64_t target) {
  uint64_t relative = links_[link].relative_address;
  cache_->patch32(relative, static_cast<uint32_t>(target - (relative + 4)));
}

void CodeSpace::chain(uint32_t link, uint64_t epoch, const BlockRequest& request, LinkSlots& slots) {
  std::lock_guard lock(mutex_);
  if (epoch != epoch_.load() || link >= links_.size()) return;
  Link& from = links_[link];
  // Whether it has direct memory is the target's own affair.
  if (from.target != request.key.rip || ((from.mode ^ request.key.mode) & ~kModeDirect) != 0) return;
  Block* block = lookup(request);
  if (block == nullptr) return;
  list_incoming(*block, link);
  if (from.relative_address != 0 && block->chainable()) {
    from.patched_to = block->host.load();
    return point_link(link, from.patched_to);
  }
  if (from.relative_address != 0) point_link(link, from.slot_stub);
  slots.fill(link, from.leave_stub, block->host.load(), (from.mode & kModeUser) != 0);
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

// What still goes to a dropped block goes to the one that takes its place.
void CodeSpace::move_incoming(Block& from, Block& to) {
  uint64_t host = from.host.load();
  for (uint32_t link : from.incoming) {
    Link& jump = links_[link];
    if (jump.listed == &from) jump.listed = nullptr;
    for (Vcpu& vcpu : vcpus_) vcpu.slots->replace(link, host, jump.leave_stub);
    if (jump.patched_to != host) continue;
    jump.patched_to = to.chainable() ? to.host.load() : 0;
    point_link(link, to.chainable() ? jump.patched_to : jump.slot_stub);
    if (to.chainable()) list_incoming(to, link);
  }
  from.incoming.clear();
}

}  // namespace cumulet::hypervisor
