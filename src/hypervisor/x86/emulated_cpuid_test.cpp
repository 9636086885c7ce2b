// Tests of the emulated processor's CPUID: never more than the host has, and nothing that is not implemented.
#include "hypervisor/x86/emulated_cpuid.h"

#include <gtest/gtest.h>

namespace cumulet::hypervisor {
namespace {

CpuidResult host_with_everything(uint32_t leaf, uint32_t) {
  if (leaf == 0) return {0x20, 0x68747541, 0x444d4163, 0x69746e65};
  if (leaf == 0x80000000) return {0x80000028, 0, 0, 0};
  return {~0u, ~0u, ~0u, ~0u};
}

TEST(EmulatedCpuid, ShowsOnlyWhatHostAndEmulationHave) {
  CpuidTable everything = emulated_cpuid(host_with_everything, {});
  EXPECT_EQ(everything.query(1, 0).ecx & (1u << 5), 0u);    // VMX
  EXPECT_EQ(everything.query(1, 0).ecx & (1u << 3), 0u);    // MONITOR
  EXPECT_NE(everything.query(1, 0).ecx & (1u << 28), 0u);   // AVX
  EXPECT_EQ(everything.query(7, 0).ebx & (1u << 16), 0u);   // AVX-512
  EXPECT_EQ(everything.query(0x80000001, 0).ecx & 4u, 0u);  // SVM
  EXPECT_EQ(everything.query(0xd, 0).eax, 7u);
  EXPECT_EQ(everything.query(0xd, 0).ecx, 832u);
  EXPECT_NE(everything.query(0x80000021, 0).eax & (1u << 8), 0u);  // automatic IBRS: no retpolines
  CpuidTable nothing = emulated_cpuid([](uint32_t, uint32_t) { return CpuidResult{}; });
  EXPECT_EQ(nothing.query(1, 0).edx, 0u);
  EXPECT_EQ(nothing.find(0xd), nullptr);
}

TEST(EmulatedCpuid, ShowsAvx512WithTheHostsLayoutOfItsState) {
  const WideLayout layout{.opmask = 832, .upper_halves = 896, .high_registers = 1408, .end = 2432};
  CpuidTable table = emulated_cpuid(host_with_everything, layout);
  EXPECT_NE(table.query(7, 0).ebx & (1u << 16), 0u);  // F
  EXPECT_EQ(table.query(7, 0).ebx & (1u << 27), 0u);  // ER
  EXPECT_NE(table.query(7, 0).ecx & (1u << 1), 0u);   // VBMI
  EXPECT_EQ(table.query(7, 0).edx & (1u << 23), 0u);  // FP16
  EXPECT_EQ(table.query(7, 0).eax, 1u);
  EXPECT_EQ(table.query(7, 1).eax, 1u << 5);  // BF16
  EXPECT_EQ(table.query(0xd, 0).eax, 0xe7u);
  EXPECT_EQ(table.query(0xd, 0).ecx, 2432u);
  EXPECT_EQ(table.query(0xd, 6).eax, 512u);
  EXPECT_EQ(table.query(0xd, 6).ebx, 896u);
  EXPECT_EQ(layout.area_size(7), 832u);
  EXPECT_EQ(layout.area_size(3 | kOpmaskState), 896u);
}

TEST(EmulatedCpuid, AddsWhatEmulationHasByItself) {
  CpuidTable intel = emulated_cpuid([](uint32_t leaf, uint32_t) {
    if (leaf == 0) return CpuidResult{0x20, 0x756e6547, 0x6c65746e, 0x49656e69};
    if (leaf == 0x80000000) return CpuidResult{0x80000008, 0, 0, 0};
    return CpuidResult{};
  });
  EXPECT_NE(intel.query(7, 0).edx & (1u << 14), 0u);  // SERIALIZE
  EXPECT_NE(intel.query(7, 0).edx & (1u << 29), 0u);  // IA32_ARCH_CAPABILITIES, with IBRS_ALL
  EXPECT_EQ(intel.find(0x80000021), nullptr);
}

TEST(EmulatedCpuid, HostsProcessorCanRunA64BitKernel) {
  CpuidTable table = emulated_cpuid();
  EXPECT_NE(table.query(0x80000001, 0).edx & (1u << 29), 0u);
  EXPECT_EQ(table.query(0, 0).ebx, host_cpuid(0, 0).ebx);
  EXPECT_EQ(table.query(1, 0).eax, host_cpuid(1, 0).eax);
}

}  // namespace
}  // namespace cumulet::hypervisor
