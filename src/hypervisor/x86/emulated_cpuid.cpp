// The intersection of the host's CPUID and what emulation implements (bit positions: SDM volume 2, CPUID; AMD
// APM volume 3, appendix E).
#include "hypervisor/x86/emulated_cpuid.h"

#include <algorithm>
#include <array>
#include <cpuid.h>
#include <cstring>
#include <string_view>

namespace cumulet::hypervisor {

namespace {
constexpr uint32_t bits(std::initializer_list<int> positions) {
  uint32_t mask = 0;
  for (int position : positions) mask |= uint32_t{1} << position;
  return mask;
}

// Leaf 1.
constexpr uint32_t kLeaf1Ecx = bits({0 /*SSE3*/, 1 /*PCLMULQDQ*/, 9 /*SSSE3*/, 12 /*FMA*/, 13 /*CMPXCHG16B*/,
                                     19 /*SSE4.1*/, 20 /*SSE4.2*/, 22 /*MOVBE*/, 23 /*POPCNT*/, 25 /*AES*/,
                                     26 /*XSAVE*/, 28 /*AVX*/, 29 /*F16C*/, 30 /*RDRAND*/});
constexpr uint32_t kHypervisorBit = bits({31});
constexpr uint32_t kLeaf1Edx =
    bits({0 /*FPU*/, 2 /*DE*/, 3 /*PSE*/, 4 /*TSC*/, 5 /*MSR*/, 6 /*PAE*/, 8 /*CX8*/, 9 /*APIC*/, 11 /*SEP*/,
          13 /*PGE*/, 15 /*CMOV*/, 16 /*PAT*/, 17 /*PSE36*/, 19 /*CLFLUSH*/, 23 /*MMX*/, 24 /*FXSR*/,
          25 /*SSE*/, 26 /*SSE2*/});
constexpr uint32_t kAvxBit = bits({28});

// Leaf 7, subleaf 0.
constexpr uint32_t kLeaf7Ebx =
    bits({0 /*FSGSBASE*/, 3 /*BMI1*/, 5 /*AVX2*/, 7 /*SMEP*/, 8 /*BMI2*/, 9 /*ERMS*/, 18 /*RDSEED*/,
          19 /*ADX*/, 20 /*SMAP*/, 23 /*CLFLUSHOPT*/, 24 /*CLWB*/, 29 /*SHA*/});
constexpr uint32_t kLeaf7Ecx = bits({2 /*UMIP*/, 22 /*RDPID*/});
constexpr uint32_t kLeaf7Edx = bits({4 /*FSRM*/});
// AVX-512.
constexpr uint32_t kWideLeaf7Ebx = bits({16 /*F*/, 17 /*DQ*/, 21 /*IFMA*/, 28 /*CD*/, 30 /*BW*/, 31 /*VL*/});
constexpr uint32_t kWideLeaf7Ecx =
    bits({1 /*VBMI*/, 6 /*VBMI2*/, 11 /*VNNI*/, 12 /*BITALG*/, 14 /*VPOPCNTDQ*/});
constexpr uint32_t kWideLeaf7Edx = bits({8 /*VP2INTERSECT*/});
constexpr uint32_t kWideLeaf71Eax = bits({5 /*BF16*/});

// What emulation adds, whatever the host has. SERIALIZE is a fence and the end of a block; without it Linux
// serializes by iret.
constexpr uint32_t kSerializeBit = bits({14});
// Guest software cannot steer the host's branch prediction with retpolines or barriers: their jumps become
// jumps of the translator's. So they only cost, and the processor says that it needs none (IBRS_ALL,
// automatic IBRS). Rights are checked before memory is touched, so that what Meltdown and its like rely on
// does not exist either.
constexpr uint32_t kSpeculationControlBit = bits({26}), kArchCapabilitiesBit = bits({29});
constexpr uint32_t kAutomaticIbrsBit = bits({8});

// Leaf 80000001.
constexpr uint32_t kExtendedEcx = bits({0 /*LAHF*/, 5 /*LZCNT*/, 8 /*PREFETCHW*/});
constexpr uint32_t kExtendedEdx =
    bits({11 /*SYSCALL*/, 20 /*NX*/, 26 /*1 GiB pages*/, 27 /*RDTSCP*/, 29 /*LM*/});
// AMD repeats these bits of leaf 1's EDX there.
constexpr uint32_t kRepeatedEdx = bits({0, 2, 3, 4, 5, 6, 8, 9, 13, 15, 16, 17, 23, 24});

// Leaf 80000021: LFENCE serializes; a null selector clears the segment's base.
constexpr uint32_t kExtended2Eax = bits({2, 6});

constexpr uint32_t kXsaveLeaf = 0xd, kExtended = 0x80000000, kHighestAmd = 0x80000021,
                   kHighestIntel = 0x80000008;
constexpr std::string_view kBrand = "Cumulet emulated processor";

bool is_amd(const CpuidResult& vendor) { return vendor.ebx == 0x68747541; }

void add(CpuidTable& table, uint32_t leaf, const CpuidResult& result) { table.set({leaf, 0, false, result}); }
void add(CpuidTable& table, uint32_t leaf, uint32_t subleaf, const CpuidResult& result) {
  table.set({leaf, subleaf, true, result});
}

void add_leaf_7(CpuidTable& table, const CpuidProbe& host, bool wide) {
  bool amd = is_amd(host(0, 0));
  CpuidResult seven = host(7, 0);
  uint32_t ebx = kLeaf7Ebx, ecx = kLeaf7Ecx, edx = kLeaf7Edx;
  if (wide) ebx |= kWideLeaf7Ebx, ecx |= kWideLeaf7Ecx, edx |= kWideLeaf7Edx;
  edx = (seven.edx & edx) | kSerializeBit;
  if (!amd) edx |= kSpeculationControlBit | kArchCapabilitiesBit;
  uint32_t more = wide && seven.eax != 0 ? host(7, 1).eax & kWideLeaf71Eax : 0;
  add(table, 7, 0, {more != 0 ? 1u : 0u, seven.ebx & ebx, seven.ecx & ecx, edx});
  if (more != 0) add(table, 7, 1, {more, 0, 0, 0});
}

void add_basic(CpuidTable& table, const CpuidProbe& host, bool wide) {
  constexpr uint32_t kClflush64Bytes = 8 << 8;
  constexpr uint32_t kOneProcessor = 1 << 16;
  CpuidResult vendor = host(0, 0);
  add(table, 0, {kXsaveLeaf, vendor.ebx, vendor.ecx, vendor.edx});
  CpuidResult one = host(1, 0);
  add(table, 1,
      {one.eax, kClflush64Bytes | kOneProcessor, (one.ecx & kLeaf1Ecx) | kHypervisorBit,
       one.edx & kLeaf1Edx});
  if (!is_amd(vendor)) {
    add(table, 2, host(2, 0));
    for (uint32_t level = 0; level < 8; ++level) {
      CpuidResult cache = host(4, level);
      if ((cache.eax & 0x1f) == 0) break;
      cache.eax &= 0x3fff;  // shared by one processor only
      add(table, 4, level, cache);
    }
  }
  constexpr uint32_t kApicTimerAlwaysRuns = 1 << 2;
  add(table, 6, {kApicTimerAlwaysRuns, 0, 0, 0});
  if (vendor.eax >= 7) add_leaf_7(table, host, wide);
}

// XSAVE in the standard format only, of x87, SSE, AVX and AVX-512 (SDM volume 1, 13.2).
void add_xsave(CpuidTable& table, const CpuidProbe& host, const WideLayout& wide) {
  constexpr uint32_t kLegacyAndHeader = 576, kAvxSize = 256, kXsaveopt = 1;
  CpuidResult one = host(1, 0);
  if ((one.ecx & bits({26})) == 0) return;
  bool avx = (one.ecx & kAvxBit) != 0;
  uint32_t components = avx ? 7u : 3u;
  if (wide.end != 0) components |= kWideState;
  add(table, kXsaveLeaf, 0, {components, kLegacyAndHeader, wide.area_size(components), 0});
  add(table, kXsaveLeaf, 1, {host(kXsaveLeaf, 1).eax & kXsaveopt, 0, 0, 0});
  if (avx) add(table, kXsaveLeaf, 2, {kAvxSize, kLegacyAndHeader, 0, 0});
  if (wide.end == 0) return;
  add(table, kXsaveLeaf, 5, {WideLayout::kOpmaskSize, wide.opmask, 0, 0});
  add(table, kXsaveLeaf, 6, {WideLayout::kUpperHalvesSize, wide.upper_halves, 0, 0});
  add(table, kXsaveLeaf, 7, {WideLayout::kHighRegistersSize, wide.high_registers, 0, 0});
}

void add_brand(CpuidTable& table) {
  std::array<char, 48> text{};
  std::copy(kBrand.begin(), kBrand.end(), text.begin());
  for (uint32_t i = 0; i < 3; ++i) {
    std::array<uint32_t, 4> words{};
    std::memcpy(words.data(), text.data() + i * 16, 16);
    add(table, kExtended + 2 + i, {words[0], words[1], words[2], words[3]});
  }
}

void add_extended(CpuidTable& table, const CpuidProbe& host) {
  CpuidResult vendor = host(0, 0);
  uint32_t host_highest = host(kExtended, 0).eax;
  uint32_t highest = is_amd(vendor) ? kHighestAmd : std::min(host_highest, kHighestIntel);
  add(table, kExtended, {highest, vendor.ebx, vendor.ecx, vendor.edx});
  CpuidResult features = host(kExtended + 1, 0);
  uint32_t edx = features.edx & kExtendedEdx;
  if (is_amd(vendor)) edx |= features.edx & kRepeatedEdx;
  add(table, kExtended + 1, {is_amd(vendor) ? features.eax : 0, 0, features.ecx & kExtendedEcx, edx});
  add_brand(table);
  add(table, kExtended + 5, is_amd(vendor) ? host(kExtended + 5, 0) : CpuidResult{});
  add(table, kExtended + 6, host(kExtended + 6, 0));
  constexpr uint32_t kInvariantTsc = 1 << 8;
  add(table, kExtended + 7, {0, 0, 0, host(kExtended + 7, 0).edx & kInvariantTsc});
  constexpr uint32_t kLinear48Bits = 48 << 8;
  add(table, kExtended + 8, {(host(kExtended + 8, 0).eax & 0xff) | kLinear48Bits, 0, 0, 0});
  if (!is_amd(vendor)) return;
  uint32_t more = host_highest >= kHighestAmd ? host(kHighestAmd, 0).eax & kExtended2Eax : 0;
  add(table, kHighestAmd, {more | kAutomaticIbrsBit, 0, 0, 0});
}
}  // namespace

CpuidResult host_cpuid(uint32_t leaf, uint32_t subleaf) {
  CpuidResult result;
  __cpuid_count(leaf, subleaf, result.eax, result.ebx, result.ecx, result.edx);
  return result;
}

CpuidTable emulated_cpuid(const CpuidProbe& host, const WideLayout& wide) {
  CpuidTable table;
  add_basic(table, host, wide.end != 0);
  add_xsave(table, host, wide);
  add_extended(table, host);
  return table;
}

}  // namespace cumulet::hypervisor
