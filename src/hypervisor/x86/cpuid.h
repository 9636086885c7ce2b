// CpuidTable: what the CPUID instruction answers, as data.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cumulet::hypervisor {

struct CpuidResult {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  friend bool operator==(const CpuidResult&, const CpuidResult&) = default;
};

// One row. `has_subleaf` false: the row answers for every value of ECX.
struct CpuidEntry {
  uint32_t leaf = 0;
  uint32_t subleaf = 0;
  bool has_subleaf = false;
  CpuidResult result;
};

// Invariant: at most one row matches a (leaf, subleaf) pair.
class CpuidTable {
 public:
  // Adds a row, or replaces the row of the same leaf and subleaf.
  void set(const CpuidEntry& entry);
  // Removes every row of a leaf.
  void erase(uint32_t leaf);
  // Returns the row's result for writing, or null.
  [[nodiscard]] CpuidResult* find(uint32_t leaf, uint32_t subleaf = 0);
  [[nodiscard]] const CpuidResult* find(uint32_t leaf, uint32_t subleaf = 0) const;
  // What the instruction answers: the row; zeros for a subleaf that is missing; for a leaf above the highest
  // of its range (basic, hypervisor, extended) Intel's rule, the highest basic leaf (SDM volume 2, CPUID).
  [[nodiscard]] CpuidResult query(uint32_t leaf, uint32_t subleaf) const;
  [[nodiscard]] std::span<const CpuidEntry> entries() const { return entries_; }

 private:
  std::vector<CpuidEntry> entries_;
};

}  // namespace cumulet::hypervisor
