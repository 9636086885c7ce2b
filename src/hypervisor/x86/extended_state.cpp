// What this host's processor and system have of AVX-512.
#include "hypervisor/x86/extended_state.h"

#include <cpuid.h>

namespace cumulet::hypervisor {

namespace {
constexpr uint32_t kXsaveLeaf = 0xd;
// The most that CpuState::xsave has room for.
constexpr uint32_t kMostBytes = 4096;

uint64_t enabled_state() {
  uint32_t low = 0, high = 0;
  asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

bool host_has_wide_vectors() {
  constexpr uint32_t kOsxsave = 1U << 27, kNeeded = 1U << 16 | 1U << 17 | 1U << 30 | 1U << 31;  // F DQ BW VL
  constexpr uint64_t kWanted = kGuestExtendedState | kWideState;
  uint32_t a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kOsxsave) == 0) return false;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (b & kNeeded) != kNeeded) return false;
  return (enabled_state() & kWanted) == kWanted;
}

// The offset of a component; 0 if it is not as large as the manual says, or lies beyond our room.
uint32_t offset_of(uint32_t component, uint32_t size) {
  uint32_t a = 0, b = 0, c = 0, d = 0;
  __get_cpuid_count(kXsaveLeaf, component, &a, &b, &c, &d);
  return a == size && b <= kMostBytes - size ? b : 0;
}

WideLayout find_layout() {
  WideLayout layout;
  if (!host_has_wide_vectors()) return layout;
  layout.opmask = offset_of(5, WideLayout::kOpmaskSize);
  layout.upper_halves = offset_of(6, WideLayout::kUpperHalvesSize);
  layout.high_registers = offset_of(7, WideLayout::kHighRegistersSize);
  if (layout.opmask == 0 || layout.upper_halves == 0 || layout.high_registers == 0) return {};
  layout.end = layout.area_size(kWideState);
  return layout;
}
}  // namespace

const WideLayout& host_wide_layout() {
  static const WideLayout kLayout = find_layout();
  return kLayout;
}

}  // namespace cumulet::hypervisor
