// JumpCache: fills and flushes the jump cache that translated code looks into.
#pragma once

#include <array>
#include <cstdint>

#include "hypervisor/translate/context.h"

namespace cumulet::hypervisor {

// Works on Context::jumps, one direct-mapped table for each mode. Filled lines are on a list, so that a flush
// costs what was filled. Only the vCPU's thread uses it.
//
// Lines begin as zeros, which match nothing: address 0 belongs to line 0 alone, and that one always has a
// valid tag or kInvalidTag with `lookup` behind it.
class JumpCache {
 public:
  // `lookup` is the stub that leaves to look up state.rip.
  JumpCache(Context& context, uint64_t lookup);

  void fill(CodeMode mode, uint64_t rip, uint64_t code);
  void flush_all();
  // Only lines of CPL 3.
  void flush_user();

 private:
  static constexpr uint32_t kListed = 2048;
  struct List {
    std::array<uint16_t, kListed> lines;
    uint32_t count = 0;
    bool overflown = false;
  };
  void flush(CodeMode mode);

  Context& context_;
  const uint64_t lookup_;
  std::array<List, kModeCount> filled_{};
};

}  // namespace cumulet::hypervisor
