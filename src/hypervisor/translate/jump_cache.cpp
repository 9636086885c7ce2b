// The list of filled entries of the jump tables.
#include "hypervisor/translate/jump_cache.h"

namespace cumulet::hypervisor {

JumpCache::JumpCache(Context& context, uint64_t miss) : context_(context), miss_(miss) {
  for (Lists* lists : {&filled_, &verified_})
    for (auto& list : *lists) list.reserve(kJumpEntries);
}

void JumpCache::fill(CodeMode mode, uint64_t rip, uint64_t indirect_entry, bool verified) {
  if (fill_inside(mode, rip, indirect_entry, verified)) return;
  flush(verified ? verified_ : filled_, mode % kModeCount);
  (void)fill_inside(mode, rip, indirect_entry, verified);
}

// It stays listed, which does no harm.
void JumpCache::forget(CodeMode mode, uint64_t rip, uint64_t indirect_entry) {
  uint64_t& entry = context_.jumps[mode % kModeCount][jump_index(rip)];
  if (entry == indirect_entry) entry = miss_;
}

void JumpCache::flush(Lists& lists, CodeMode mode) {
  for (uint16_t index : lists[mode]) context_.jumps[mode][index] = miss_;
  lists[mode].clear();
}

void JumpCache::forget_all() {
  flush_all();
  for (CodeMode mode = 0; mode < kModeCount; ++mode) flush(verified_, mode);
}

void JumpCache::flush_all() {
  for (CodeMode mode = 0; mode < kModeCount; ++mode) flush(filled_, mode);
}

void JumpCache::flush_user() {
  for (CodeMode mode = kModeUser; mode < kModeCount; mode += 2) flush(filled_, mode);
}

}  // namespace cumulet::hypervisor
