// What CPUID shows to emulated guests: the host's processor, reduced to what interpreter and translator
// implement.
#pragma once

#include <cstdint>
#include <functional>

#include "hypervisor/x86/cpuid.h"
#include "hypervisor/x86/extended_state.h"

namespace cumulet::hypervisor {

// Answers the CPUID instruction of some processor.
using CpuidProbe = std::function<CpuidResult(uint32_t leaf, uint32_t subleaf)>;

// Executes CPUID on this host.
CpuidResult host_cpuid(uint32_t leaf, uint32_t subleaf);

// Returns the table for a host that answers as `host` does. Without topology, APIC id, x2APIC, TSC deadline
// and the hypervisor's own leaves, which the machine adds. Vendor, family and model are the host's, because
// kernels choose instruction sequences by them, and those run on the host. `wide` says whether it shows
// AVX-512, and where that lies in XSAVE areas.
CpuidTable emulated_cpuid(const CpuidProbe& host = host_cpuid, const WideLayout& wide = host_wide_layout());

}  // namespace cumulet::hypervisor
