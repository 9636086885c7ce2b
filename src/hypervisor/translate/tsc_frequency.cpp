// Finding the TSC frequency.
#include "hypervisor/translate/tsc_frequency.h"

#include <cpuid.h>
#include <sys/auxv.h>
#include <time.h>
#include <x86intrin.h>

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kNanosecondsPerMillisecond = 1'000'000;

uint64_t monotonic_raw_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

uint64_t measured_khz() {
  constexpr uint64_t kIntervalNs = 20 * kNanosecondsPerMillisecond;
  uint64_t start_ns = monotonic_raw_ns();
  uint64_t start = __rdtsc();
  uint64_t now_ns = start_ns;
  while (now_ns - start_ns < kIntervalNs) now_ns = monotonic_raw_ns();
  return (__rdtsc() - start) * kNanosecondsPerMillisecond / (now_ns - start_ns);
}
}  // namespace

uint64_t host_tsc_khz() {
  uint32_t a = 0, b = 0, c = 0, d = 0;
  // Crystal frequency times ratio (SDM volume 2, CPUID leaf 15H).
  if (__get_cpuid(0x15, &a, &b, &c, &d) != 0 && a != 0 && b != 0 && c != 0) return uint64_t{c} * b / a / 1000;
  // A hypervisor's timing leaf, in kHz, where it has one.
  __cpuid(0x40000000, a, b, c, d);
  if (a >= 0x40000010 && a < 0x40010000) {
    __cpuid(0x40000010, a, b, c, d);
    if (a != 0) return a;
  }
  static const uint64_t kMeasured = measured_khz();
  return kMeasured;
}

bool kernel_allows_fsgsbase() {
  constexpr unsigned long kHwcap2Fsgsbase = 2;
  return (getauxval(AT_HWCAP2) & kHwcap2Fsgsbase) != 0;
}

}  // namespace cumulet::hypervisor
