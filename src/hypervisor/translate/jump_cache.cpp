// The list of filled entries of the jump tables.
#include "hypervisor/translate/jump_cache.h"

namespace cumulet::hypervisor {

JumpCache::JumpCache(Context& context, uint64_t miss) : context_(context), miss_(miss) {
  for (auto& list : filled_) list.reserve(kJumpEntries);
}

void JumpCache::fill(CodeMode mode, uint64_t rip, uint64_t indirect_entry) {
  if (fill_inside(mode, rip, indirect_entry)) return;
  flush(mode % kModeCount);
  (void)fill_inside(mode, rip, indirect_entry);
}

// It stays listed, which does no harm.
void JumpCache::forget(CodeMode mode, uint64_t rip, uint64_t indirect_entry) {
  uint64_t& entry = context_.jumps[mode % kModeCount][jump_index(rip)];
  if (entry == indirect_entry) entry = miss_;
}

void JumpCache::flush(CodeMode mode) {
  for (uint16_t index : filled_[mode]) context_.jumps[mode][index] = miss_;
  filled_[mode].clear();
}

void JumpCache::flush_all() {
  for (CodeMode mode = 0; mode < kModeCount; ++mode) flush(mode);
}

void JumpCache::flush_user() {
  for (CodeMode mode = kModeUser; mode < kModeCount; mode += 2) flush(mode);
}

}  // namespace cumulet::hypervisor
