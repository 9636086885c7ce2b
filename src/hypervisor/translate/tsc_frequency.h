// Facts about the host's processor that guests depend on.
#pragma once

#include <cstdint>

namespace cumulet::hypervisor {

// The frequency of the host's time stamp counter, in kHz: from CPUID where it says, measured otherwise, since
// the start of the process. Waits until 20 ms are over since then, so call it late.
uint64_t host_tsc_khz();

// Both clocks at one moment.
struct TscMoment {
  uint64_t tsc, ns;
};
// The frequency in kHz by two moments. Precondition: `end` is after `start`.
uint64_t tsc_khz_between(const TscMoment& start, const TscMoment& end);

// True if the kernel lets user programs use wrgsbase.
bool kernel_allows_fsgsbase();

}  // namespace cumulet::hypervisor
