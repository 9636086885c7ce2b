// Look-up in a CPUID table.
#include "hypervisor/x86/cpuid.h"

#include <algorithm>
#include <utility>

namespace cumulet::hypervisor {

void CpuidTable::set(const CpuidEntry& entry) {
  for (CpuidEntry& old : entries_) {
    if (old.leaf == entry.leaf && old.has_subleaf == entry.has_subleaf && old.subleaf == entry.subleaf) {
      old = entry;
      return;
    }
  }
  entries_.push_back(entry);
}

void CpuidTable::erase(uint32_t leaf) {
  std::erase_if(entries_, [leaf](const CpuidEntry& entry) { return entry.leaf == leaf; });
}

const CpuidResult* CpuidTable::find(uint32_t leaf, uint32_t subleaf) const {
  for (const CpuidEntry& entry : entries_) {
    if (entry.leaf == leaf && (!entry.has_subleaf || entry.subleaf == subleaf)) return &entry.result;
  }
  return nullptr;
}

CpuidResult* CpuidTable::find(uint32_t leaf, uint32_t subleaf) {
  return const_cast<CpuidResult*>(std::as_const(*this).find(leaf, subleaf));
}

CpuidResult CpuidTable::query(uint32_t leaf, uint32_t subleaf) const {
  if (const CpuidResult* result = find(leaf, subleaf)) return *result;
  uint32_t range = leaf & 0xc0000000;
  uint32_t highest = 0;
  bool leaf_known = false;
  for (const CpuidEntry& entry : entries_) {
    if ((entry.leaf & 0xc0000000) == range) highest = std::max(highest, entry.leaf);
    leaf_known |= entry.leaf == leaf;
  }
  if (leaf_known || (leaf <= highest && highest != 0)) return {};
  const CpuidResult* basic = find(0);
  if (basic == nullptr) return {};
  const CpuidResult* last = find(basic->eax, subleaf);
  return last != nullptr ? *last : CpuidResult{};
}

}  // namespace cumulet::hypervisor
