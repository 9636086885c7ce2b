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
//
// What depends on one address translation only, which its indirect entry verifies by the page's base
// (PageBases), stays when translations change.
class JumpCache {
 public:
  // `miss` is what the tables are full of (ContextMapping::fill_jump_tables): the indirect_miss stub.
  JumpCache(Context& context, uint64_t miss);

  // `verified`: the code is relative, and in one page.
  void fill(CodeMode mode, uint64_t rip, uint64_t indirect_entry, bool verified);
  // The same with general registers only. False: the list of filled entries has no room.
  bool fill_inside(CodeMode mode, uint64_t rip, uint64_t indirect_entry, bool verified) {
    auto& list = (verified ? verified_ : filled_)[mode % kModeCount];
    uint64_t& entry = context_.jumps[mode % kModeCount][jump_index(rip)];
    // One that may be on the other list only is listed again.
    if (entry == miss_ || (!verified && (mode & kModeUser) != 0)) {
      if (list.size() == list.capacity()) return false;
      list.push_back(static_cast<uint16_t>(jump_index(rip)));
    }
    entry = indirect_entry;
    return true;
  }
  // True if there is an entry that may be the one of `rip`.
  [[nodiscard]] bool may_hold(CodeMode mode, uint64_t rip) const {
    return context_.jumps[mode % kModeCount][jump_index(rip)] != miss_;
  }
  // The entry of `rip`, if it is this one, becomes a miss again.
  void forget(CodeMode mode, uint64_t rip, uint64_t indirect_entry);
  // Before the code cache has other code.
  void forget_all();
  // What is not verified; of all code, or only of CPL 3.
  void flush_all();
  void flush_user();

 private:
  using Lists = std::array<std::vector<uint16_t>, kModeCount>;
  void flush(Lists& lists, CodeMode mode);

  Context& context_;
  const uint64_t miss_;
  Lists filled_, verified_;
};

}  // namespace cumulet::hypervisor
