// Finding the TSC frequency.
#include "hypervisor/translate/tsc_frequency.h"

#include <algorithm>
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

// Both clocks, as close to each other as a few tries get them: between two readings the thread may lose the
// processor.
TscMoment read_both() {
  TscMoment best{};
  uint64_t best_gap = UINT64_MAX;
  for (int i = 0; i < 5; ++i) {
    uint64_t before = __rdtsc();
    uint64_t ns = monotonic_raw_ns();
    uint64_t gap = __rdtsc() - before;
    if (gap < best_gap) best = {before + gap / 2, ns};
    best_gap = std::min(gap, best_gap);
  }
  return best;
}

// Taken before main(): what a program does anyway before its first virtual machine is most of the interval.
const TscMoment kProcessStart = read_both();

uint64_t measured_khz() {
  constexpr uint64_t kShortestNs = 20 * kNanosecondsPerMillisecond;
  // While the host is suspended, one clock may stop and the other go on: rather begin again.
  constexpr uint64_t kLongestNs = 60'000 * kNanosecondsPerMillisecond;
  TscMoment start = kProcessStart;
  TscMoment end = read_both();
  if (end.ns - start.ns > kLongestNs) start = end;
  while (end.ns - start.ns < kShortestNs) {
    timespec rest = {0, static_cast<long>(kShortestNs - (end.ns - start.ns))};
    nanosleep(&rest, nullptr);
    end = read_both();
  }
  return tsc_khz_between(start, end);
}
}  // namespace

uint64_t tsc_khz_between(const TscMoment& start, const TscMoment& end) {
  auto ticks = static_cast<unsigned __int128>(end.tsc - start.tsc) * kNanosecondsPerMillisecond;
  return static_cast<uint64_t>(ticks / (end.ns - start.ns));
}

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
