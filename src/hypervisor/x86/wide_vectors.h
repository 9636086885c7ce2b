// AVX-512: what of it emulated guests are shown, and how any guest is shown none.
#pragma once

#include <Zydis/Zydis.h>

#include "hypervisor/x86/cpuid.h"

namespace cumulet::hypervisor {

// Whether a set of instructions belongs to the parts of AVX-512 that CPUID may show: F, CD, BW, DQ, VL, IFMA,
// VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ, BF16 and VP2INTERSECT, instructions on opmask registers included.
// What of these the host lacks is #UD when it runs.
constexpr bool is_wide_vector_set(ZydisISASet set) {
  auto within = [set](ZydisISASet first, ZydisISASet last) { return set >= first && set <= last; };
  return within(ZYDIS_ISA_SET_AVX512BW_128, ZYDIS_ISA_SET_AVX512DQ_SCALAR) ||
         within(ZYDIS_ISA_SET_AVX512F_128, ZYDIS_ISA_SET_AVX512F_SCALAR) ||
         within(ZYDIS_ISA_SET_AVX512_BF16_128, ZYDIS_ISA_SET_AVX512_BITALG_512) ||
         within(ZYDIS_ISA_SET_AVX512_IFMA_128, ZYDIS_ISA_SET_AVX512_IFMA_512) ||
         within(ZYDIS_ISA_SET_AVX512_VBMI2_128, ZYDIS_ISA_SET_AVX512_VP2INTERSECT_512) ||
         within(ZYDIS_ISA_SET_AVX512_VPOPCNTDQ_128, ZYDIS_ISA_SET_AVX512_VPOPCNTDQ_512);
}

// Makes `table` that of a processor without AVX-512.
void hide_wide_vectors(CpuidTable& table);

}  // namespace cumulet::hypervisor
