// Which model-specific registers KVM handles itself; all others come to the machine as MsrExit.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace cumulet::hypervisor {

// True for the registers that CpuState holds, and for those that only steer the host processor's speculation.
bool kvm_holds_msr(uint32_t index);

// Makes KVM exit for every other register, and for refused accesses. Note: KVM's filter has no say over
// x2APIC's range 0x800-0x8ff; without an in-kernel APIC an access there counts as refused, and so exits too.
// Errors: kUnsupported when this KVM cannot.
Result<void> install_msr_filter(int vm_fd);

}  // namespace cumulet::hypervisor
