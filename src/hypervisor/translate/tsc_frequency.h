// Facts about the host's processor that guests depend on.
#pragma once

#include <cstdint>

namespace cumulet::hypervisor {

// The frequency of the host's time stamp counter, in kHz: from CPUID where it says, measured otherwise (20
// ms).
uint64_t host_tsc_khz();

// True if the kernel lets user programs use wrgsbase.
bool kernel_allows_fsgsbase();

}  // namespace cumulet::hypervisor
