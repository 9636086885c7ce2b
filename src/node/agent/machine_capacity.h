// machine_capacity(): what this machine can give to instances.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "control/resource/host.h"

namespace cumulet::node {

struct CapacityOptions {
  uint32_t vcpus_per_cpu = 16;        // overcommitment: most virtual processors sleep most of the time
  uint64_t memory_reserve_mib = 512;  // stays for the machine itself
};

// Returns the machine's processors times the overcommitment, and the memory that is available now (in the
// control group too) plus what instances occupy already (`resident_mib`), less the reserve. kIo if /proc
// cannot be read.
[[nodiscard]] Result<control::Capacity> machine_capacity(const CapacityOptions& options,
                                                         uint64_t resident_mib);

}  // namespace cumulet::node
