// What CPUID shows a guest: what the engine supports, completed with topology, APIC ids and KVM's signature.
#pragma once

#include <cstdint>

#include "hypervisor/x86/cpuid.h"

namespace cumulet::hypervisor {

// KVM's paravirtual features (Linux Documentation/virt/kvm/x86/cpuid.rst) that the machine implements.
namespace kvm_feature {
inline constexpr uint32_t kNopIoDelay = 1 << 1, kClocksource2 = 1 << 3, kClocksourceStable = 1 << 24;
}
inline constexpr uint32_t kKvmSignatureLeaf = 0x40000000, kKvmFeatureLeaf = 0x40000001;

// Returns the table of processor `index` of `count`: one socket, one thread a core, APIC id = index.
CpuidTable processor_cpuid(const CpuidTable& supported, uint32_t index, uint32_t count);

}  // namespace cumulet::hypervisor
