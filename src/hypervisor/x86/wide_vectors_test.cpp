// Tests of what belongs to AVX-512, and of hiding it.
#include "hypervisor/x86/wide_vectors.h"

#include <gtest/gtest.h>

#include "hypervisor/x86/emulated_cpuid.h"

namespace cumulet::hypervisor {
namespace {

TEST(WideVectors, AreTheSetsThatCpuidMayShow) {
  EXPECT_TRUE(is_wide_vector_set(ZYDIS_ISA_SET_AVX512F_512));
  EXPECT_TRUE(is_wide_vector_set(ZYDIS_ISA_SET_AVX512F_KOP));
  EXPECT_TRUE(is_wide_vector_set(ZYDIS_ISA_SET_AVX512_VBMI_128));
  EXPECT_TRUE(is_wide_vector_set(ZYDIS_ISA_SET_AVX512_VP2INTERSECT_512));
  for (ZydisISASet other :
       {ZYDIS_ISA_SET_AVX2, ZYDIS_ISA_SET_AVX512ER_512, ZYDIS_ISA_SET_AVX512PF_512,
        ZYDIS_ISA_SET_AVX512_4FMAPS_512, ZYDIS_ISA_SET_AVX512_FP16_512, ZYDIS_ISA_SET_AVX512_GFNI_512,
        ZYDIS_ISA_SET_AVX512_VAES_512, ZYDIS_ISA_SET_AVX512_VPCLMULQDQ_512})
    EXPECT_FALSE(is_wide_vector_set(other)) << ZydisISASetGetString(other);
}

TEST(WideVectors, HiddenLeaveThemselvesNoTrace) {
  auto host = [](uint32_t leaf, uint32_t) {
    if (leaf == 0) return CpuidResult{0x20, 0x68747541, 0x444d4163, 0x69746e65};
    if (leaf == 0x80000000) return CpuidResult{0x80000028, 0, 0, 0};
    return CpuidResult{~0u, ~0u, ~0u, ~0u};
  };
  CpuidTable with =
      emulated_cpuid(host, {.opmask = 832, .upper_halves = 896, .high_registers = 1408, .end = 2432});
  CpuidTable without = emulated_cpuid(host, {});
  hide_wide_vectors(with);
  for (uint32_t leaf : {0u, 1u, 0xdu, 0x80000001u})
    for (uint32_t subleaf = 0; subleaf < 10; ++subleaf)
      EXPECT_EQ(with.query(leaf, subleaf), without.query(leaf, subleaf)) << leaf << " " << subleaf;
  CpuidResult seven = with.query(7, 0), plain = without.query(7, 0);
  EXPECT_EQ(seven.ebx, plain.ebx);
  EXPECT_EQ(seven.ecx, plain.ecx);
  EXPECT_EQ(seven.edx, plain.edx);
  EXPECT_EQ(with.query(7, 1), CpuidResult{});
}

}  // namespace
}  // namespace cumulet::hypervisor
