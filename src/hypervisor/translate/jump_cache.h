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
  JumpCache(Context& context, uint64_t miss) : context_(context), miss_(miss) {}

  void fill(CodeMode mode, uint64_t rip, uint64_t indirect_entry);
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
