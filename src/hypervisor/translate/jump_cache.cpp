// The list of filled entries of the jump tables.
#include "hypervisor/translate/jump_cache.h"

namespace cumulet::hypervisor {

void JumpCache::fill(CodeMode mode, uint64_t rip, uint64_t indirect_entry) {
  CodeMode table = mode % kModeCount;
  uint64_t& entry = context_.jumps[table][jump_index(rip)];
  if (entry == miss_) filled_[table].push_back(static_cast<uint16_t>(jump_index(rip)));
  entry = indirect_entry;
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
