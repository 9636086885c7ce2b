// Guest RAM as KVM's memory slots.
#pragma once

#include "base/result.h"
#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// Gives every region of `memory` to a KVM virtual machine, which uses the mapping until it is closed.
// Errors: kInvalidArgument, kResourceExhausted, kIo.
Result<void> install_memory_slots(int vm_fd, const GuestMemory& memory);

}  // namespace cumulet::hypervisor
