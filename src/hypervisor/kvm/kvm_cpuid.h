// CPUID between KVM's structures and ours, and which of KVM's features a guest of ours may be shown.
#pragma once

#include "base/result.h"
#include "hypervisor/x86/cpuid.h"

namespace cumulet::hypervisor {

// Asks KVM (a /dev/kvm descriptor) what it can show a guest. Errors: kIo.
Result<CpuidTable> read_kvm_cpuid(int kvm_fd);

// Removes from KVM's answer what this engine does not carry: state that CpuState has no room for, registers
// that belong to the machine (APIC, machine check, MTRR, performance counters), nested virtualization, and
// the hypervisor leaves, which are the machine's own.
void restrict_to_contract(CpuidTable& table);

// Gives a vCPU its CPUID. Errors: kInvalidArgument when KVM refuses the table.
Result<void> write_kvm_cpuid(int vcpu_fd, const CpuidTable& table);

}  // namespace cumulet::hypervisor
