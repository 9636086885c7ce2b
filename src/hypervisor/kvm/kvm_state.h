// CpuState between our structure and KVM's several.
#pragma once

#include <array>
#include <cstdint>
#include <linux/kvm.h>

#include "hypervisor/vcpu/state.h"

namespace cumulet::hypervisor {

// The model-specific registers that KVM holds for us and that are not part of its other structures.
inline constexpr std::array<uint32_t, 10> kStateMsrs = {
    0xc0000081,  // STAR
    0xc0000082,  // LSTAR
    0xc0000083,  // CSTAR
    0xc0000084,  // FMASK
    0xc0000102,  // KERNEL_GS_BASE
    0x174,       // SYSENTER_CS
    0x175,       // SYSENTER_ESP
    0x176,       // SYSENTER_EIP
    0x277,       // PAT
    0xc0000103,  // TSC_AUX; last, because a KVM whose guest has no RDTSCP lacks it
};

// Everything that KVM_GET_* and KVM_SET_* exchange for one vCPU, but for the TSC offset.
struct KvmState {
  kvm_regs regs{};
  kvm_sregs sregs{};
  std::array<uint8_t, kXsaveAreaSize> xsave{};  // struct kvm_xsave
  kvm_xcrs xcrs{};
  kvm_debugregs debug{};
  kvm_vcpu_events events{};
  std::array<uint64_t, kStateMsrs.size()> msrs{};  // in the order of kStateMsrs
};

// Puts `state` into KVM's structures. What CpuState does not hold (APIC base, events half delivered) stays as
// `kvm` has it, so start from what KVM said last. Pure.
void to_kvm(const CpuState& state, KvmState& kvm);

// The reverse; activity and tsc_offset are not KVM's and stay at their defaults. Pure.
CpuState from_kvm(const KvmState& kvm);

// Drops the events that wait in `kvm` for delivery: they belong to an instruction boundary the vCPU left.
// Pure.
void drop_pending_events(KvmState& kvm);

// The address of the next instruction as the processor fetches it: CS base + RIP. Pure.
uint64_t linear_rip(const KvmState& kvm);

}  // namespace cumulet::hypervisor
