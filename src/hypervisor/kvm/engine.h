// The hardware-assisted engine: guests run by the CPU through /dev/kvm.
#pragma once

#include <memory>

#include "base/result.h"
#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/vcpu/vcpu.h"

namespace cumulet::hypervisor {

// Creates a KVM virtual machine over `memory`, which must outlive the engine. Nothing of the platform is in
// the kernel: the interrupt controllers, timers and kvmclock are the machine's, as with every engine.
//
// Where this engine differs from the contract, because the kernel decides:
// - vmcall/vmmcall are answered by KVM itself (unknown numbers with -KVM_ENOSYS in RAX); HypercallExit never
// comes.
// - A KVM that emulates every instruction (one without VT-x or AMD-V below it) may not report a lowered CR8
// as
//   TaskPriorityExit; get_cr8() is right after every exit.
// - Such a KVM also ignores tsc_offset: get_state() says 0, which is what the guest sees.
// - kick() sends SIGRTMIN to the vCPU's thread; run() unblocks that signal there. Its handler does nothing.
//
// Errors: kUnsupported (no /dev/kvm, or one too old), kPermissionDenied (the user may not open it),
// kResourceExhausted, kIo.
Result<std::unique_ptr<Engine>> create_kvm_engine(GuestMemory& memory);

}  // namespace cumulet::hypervisor
