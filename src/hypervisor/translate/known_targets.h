// KnownTargets: where indirect jumps of one vCPU went, for those that the jump tables have lost.
#pragma once

#include <array>
#include <cstdint>

#include "hypervisor/translate/mode.h"

namespace cumulet::hypervisor {

// Problem: jump tables go by linear addresses. So every start of a program fills them anew, and kernels have
// more code than a table has entries; and finding a block by its key touches several cold cache lines.
//
// This small table finds user code by its page's number (PageBases), wherever it lies, and kernel code by its
// address. Each entry has an indirect entry as an offset in the code cache. General registers only. Only the
// vCPU's thread uses it.
class KnownTargets {
 public:
  // The complete modes of code, with kModeDirect and kModeRelative.
  static uint64_t kernel_key(CodeMode mode, uint64_t rip) { return rip << 8 | mode; }
  static uint64_t relative_key(CodeMode mode, uint32_t page_number, uint64_t offset) {
    return (uint64_t{page_number} << 12 | offset) << 8 | mode;
  }

  // 0: not known.
  [[nodiscard]] uint32_t find(uint64_t key) const {
    const Entry& entry = entries_[index(key)];
    return entry.key == key && entry.generation == generation_ ? entry.indirect : 0;
  }
  void note(uint64_t key, uint32_t indirect) { entries_[index(key)] = {key, indirect, generation_}; }
  void forget(uint64_t key) {
    if (entries_[index(key)].key == key) entries_[index(key)] = {};
  }
  // When kernel code may lie elsewhere, or the code cache was emptied.
  void forget_all() {
    if (++generation_ != 0) return;
    entries_.fill({});
    generation_ = 1;
  }

 private:
  static constexpr uint32_t kIndexBits = 14;
  struct Entry {
    uint64_t key = 0;
    uint32_t indirect = 0;
    uint32_t generation = 0;
  };
  static uint64_t index(uint64_t key) { return (key ^ key >> 20) * 0x9e3779b97f4a7c15 >> (64 - kIndexBits); }

  uint32_t generation_ = 1;
  std::array<Entry, 1 << kIndexBits> entries_{};
};

}  // namespace cumulet::hypervisor
