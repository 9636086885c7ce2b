// AVX-512 in CPUID (SDM volume 2, CPUID, leaves 7 and 0xd).
#include "hypervisor/x86/wide_vectors.h"

#include <algorithm>

#include "hypervisor/x86/extended_state.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint32_t bits(std::initializer_list<int> positions) {
  uint32_t mask = 0;
  for (int position : positions) mask |= uint32_t{1} << position;
  return mask;
}
}  // namespace

void hide_wide_vectors(CpuidTable& table) {
  if (CpuidResult* seven = table.find(7, 0)) {
    seven->ebx &=
        ~bits({16 /*F*/, 17 /*DQ*/, 21 /*IFMA*/, 26 /*PF*/, 27 /*ER*/, 28 /*CD*/, 30 /*BW*/, 31 /*VL*/});
    seven->ecx &= ~bits({1 /*VBMI*/, 6 /*VBMI2*/, 11 /*VNNI*/, 12 /*BITALG*/, 14 /*VPOPCNTDQ*/});
    seven->edx &= ~bits({2 /*4VNNIW*/, 3 /*4FMAPS*/, 8 /*VP2INTERSECT*/, 23 /*FP16*/});
  }
  if (CpuidResult* more = table.find(7, 1)) {
    more->eax &= ~bits({5 /*BF16*/});
    more->edx &= ~bits({19 /*AVX10*/});
  }
  CpuidResult* state = table.find(0xd, 0);
  if (state == nullptr) return;
  state->eax &= ~kWideState;
  constexpr uint32_t kLegacyAndHeader = 576;
  uint32_t size = kLegacyAndHeader;
  for (uint32_t component = 2; component < 32; ++component) {
    CpuidResult* row = table.find(0xd, component);
    if (row == nullptr) continue;
    if ((kWideState >> component & 1) != 0) *row = {};
    if ((state->eax >> component & 1) != 0) size = std::max(size, row->eax + row->ebx);
  }
  state->ebx = std::min(state->ebx, size);
  state->ecx = size;
}

}  // namespace cumulet::hypervisor
