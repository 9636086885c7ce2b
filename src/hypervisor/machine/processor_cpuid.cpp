// Completion of the CPUID leaves that differ by processor (SDM volume 2, CPUID; AMD APM volume 3, appendix
// E).
#include "hypervisor/machine/processor_cpuid.h"

#include <algorithm>
#include <bit>

namespace cumulet::hypervisor {

namespace {

constexpr uint32_t kX2apic = 1 << 21, kTscDeadline = 1 << 24, kHypervisor = uint32_t{1} << 31;  // leaf 1 ECX
constexpr uint32_t kApic = 1 << 9, kHyperThreading = 1 << 28;                                   // leaf 1 EDX
constexpr uint32_t kTopologyLeaf = 0xb, kTopologyLeafV2 = 0x1f;
constexpr uint32_t kLevelSmt = 1, kLevelCore = 2;     // leaf 0xb ECX bits 15:8
constexpr uint32_t kAmdTopologyExtensions = 1 << 22;  // leaf 0x80000001 ECX

void set_features(CpuidTable& table, uint32_t index, uint32_t count) {
  CpuidResult* features = table.find(1);
  if (features == nullptr) return;
  uint32_t logical_ids = std::bit_ceil(count);
  features->ebx = (features->ebx & 0xffff) | std::min(logical_ids, 255u) << 16 | index << 24;
  features->ecx |= kX2apic | kTscDeadline | kHypervisor;
  features->edx |= kApic;
  features->edx = count > 1 ? features->edx | kHyperThreading : features->edx & ~kHyperThreading;
}

void set_topology(CpuidTable& table, uint32_t leaf, uint32_t index, uint32_t count) {
  auto core_bits = static_cast<uint32_t>(std::bit_width(count - 1));
  table.erase(leaf);
  table.set({leaf, 0, true, {0, 1, kLevelSmt << 8, index}});
  table.set({leaf, 1, true, {core_bits, count, kLevelCore << 8 | 1, index}});
  table.set({leaf, 2, true, {0, 0, 2, index}});
}

// Every cache is a core's own, but the highest level, which the socket shares.
void set_cache_sharing(CpuidTable& table, uint32_t leaf, uint32_t count) {
  CpuidResult* last = nullptr;
  uint32_t highest_level = 0;
  for (uint32_t subleaf = 0; subleaf < 8; ++subleaf) {
    CpuidResult* cache = table.find(leaf, subleaf);
    if (cache == nullptr || (cache->eax & 0x1f) == 0) break;
    cache->eax &= ~uint32_t{0xfffu << 14};
    uint32_t level = (cache->eax >> 5) & 7;
    if (level >= highest_level) {
      highest_level = level;
      last = cache;
    }
  }
  if (last != nullptr && highest_level >= 3) last->eax |= (count - 1) << 14;
}

void set_amd_topology(CpuidTable& table, uint32_t index, uint32_t count) {
  if (CpuidResult* sizes = table.find(0x80000008)) {
    auto id_bits = static_cast<uint32_t>(std::bit_width(count - 1));
    sizes->ecx = (sizes->ecx & ~uint32_t{0xf0ff}) | (count - 1) | id_bits << 12;
  }
  CpuidResult* extended = table.find(0x80000001);
  if (extended == nullptr || (extended->ecx & kAmdTopologyExtensions) == 0) return;
  table.erase(0x8000001e);
  table.set({0x8000001e, 0, false, {index, index & 0xff, 0, 0}});
  if (CpuidResult* range = table.find(0x80000000)) range->eax = std::max(range->eax, 0x8000001eu);
}

void set_hypervisor_leaves(CpuidTable& table) {
  for (uint32_t leaf = kKvmSignatureLeaf; leaf <= kKvmSignatureLeaf + 0x10; ++leaf) table.erase(leaf);
  // "KVMKVMKVM\0\0\0" in EBX, ECX, EDX.
  table.set({kKvmSignatureLeaf, 0, false, {kKvmFeatureLeaf, 0x4b4d564b, 0x564b4d56, 0x4d}});
  uint32_t features = kvm_feature::kNopIoDelay | kvm_feature::kClocksource2 | kvm_feature::kClocksourceStable;
  table.set({kKvmFeatureLeaf, 0, false, {features, 0, 0, 0}});
}

}  // namespace

CpuidTable processor_cpuid(const CpuidTable& supported, uint32_t index, uint32_t count) {
  CpuidTable table = supported;
  set_features(table, index, count);
  if (CpuidResult* range = table.find(0)) range->eax = std::max(range->eax, kTopologyLeaf);
  set_topology(table, kTopologyLeaf, index, count);
  if (table.query(0, 0).eax >= kTopologyLeafV2) set_topology(table, kTopologyLeafV2, index, count);
  set_cache_sharing(table, 4, count);
  set_cache_sharing(table, 0x8000001d, count);
  set_amd_topology(table, index, count);
  set_hypervisor_leaves(table);
  return table;
}

}  // namespace cumulet::hypervisor
