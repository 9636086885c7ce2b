// The list of filled jump cache lines.
#include "hypervisor/translate/jump_cache.h"

namespace cumulet::hypervisor {

JumpCache::JumpCache(Context& context, uint64_t lookup) : context_(context), lookup_(lookup) {
  for (auto& table : context_.jumps) table[0] = {kInvalidTag, lookup_};
}

void JumpCache::fill(CodeMode mode, uint64_t rip, uint64_t code) {
  uint32_t index = jump_index(rip);
  JumpEntry& line = context_.jumps[mode][index];
  bool listed = line.rip != 0 && line.rip != kInvalidTag;
  line = {rip, code};
  if (listed) return;
  List& list = filled_[mode];
  if (list.count == kListed) {
    list.overflown = true;
  } else {
    list.lines[list.count++] = static_cast<uint16_t>(index);
  }
}

void JumpCache::flush(CodeMode mode) {
  List& list = filled_[mode];
  auto& table = context_.jumps[mode];
  if (list.overflown) {
    table.fill({0, 0});
  } else {
    for (uint32_t i = 0; i < list.count; ++i) table[list.lines[i]] = {0, 0};
  }
  table[0] = {kInvalidTag, lookup_};
  list.count = 0;
  list.overflown = false;
}

void JumpCache::flush_all() {
  for (CodeMode mode = 0; mode < kModeCount; ++mode) flush(mode);
}

void JumpCache::flush_user() {
  for (CodeMode mode = kModeUser; mode < kModeCount; mode += 2) flush(mode);
}

}  // namespace cumulet::hypervisor
