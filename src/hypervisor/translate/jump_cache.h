// JumpCache: fills and flushes the tables that indirect jumps of translated code go through.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "hypervisor/translate/context.h"

namespace cumulet::hypervisor {

// Works on Context::jumps. Filled entries are on a list, so that a flush costs what was filled. Only the
// vCPU's thread uses it.
//
// An entry of a block that was dropped may stay: the block's ordinary entry, behind the indirect one, leads
// out, and the entry is forgotten if there is another block now.
class JumpCache {
 public:
  // `miss` is what the tables are full of (ContextMapping::fill_jump_tables): the indirect_miss stub.
  JumpCache(Context& context, uint64_t miss);

  void fill(CodeMode mode, uint64_t rip, uint64_t indirect_entry);
  // The same with general registers only. False: the list of filled entries has no room.
  bool fill_inside(CodeMode mode, uint64_t rip, uint64_t indirect_entry) {
    std::vector<uint16_t>& filled = filled_[mode % kModeCount];
    uint64_t& entry = context_.jumps[mode % kModeCount][jump_index(rip)];
    if (entry == miss_) {
      if (filled.size() == filled.capacity()) return false;
      filled.push_back(static_cast<uint16_t>(jump_index(rip)));
    }
    entry = indirect_entry;
    return true;
  }
  // The entry of `rip`, if it is this one, becomes a miss again.
  void forget(CodeMode mode, uint64_t rip, uint64_t indirect_entry);
  void flush_all();
  // Only entries of CPL 3.
  void flush_user();

 private:
  void flush(CodeMode mode);

  Context& context_;
  const uint64_t miss_;
  std::array<std::vector<uint16_t>, kModeCount> filled_;
};

}  // namespace cumulet::hypervisor
