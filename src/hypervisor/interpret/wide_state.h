// AVX-512's registers where the XSAVE area holds them.
#pragma once

#include <array>
#include <cstdint>

#include "hypervisor/vcpu/state.h"

namespace cumulet::hypervisor {

using WideVector = std::array<uint8_t, 64>;

// Makes the components of AVX-512 that the area's header calls initial really so, and marks them present.
// Afterwards the functions below may be used. Precondition: the host has AVX-512.
void make_wide_state_present(CpuState& state);

// zmm0 to zmm31.
[[nodiscard]] WideVector read_wide_vector(const CpuState& state, uint8_t index);
void write_wide_vector(CpuState& state, uint8_t index, const WideVector& bytes);

// k0 to k7.
[[nodiscard]] uint64_t read_opmask(const CpuState& state, uint8_t index);
void write_opmask(CpuState& state, uint8_t index, uint64_t value);

// What a VEX instruction that writes ymm0 to ymm15 does to the zmm register of that number. To be called on
// any host.
void clear_upper_half(CpuState& state, uint8_t index);

}  // namespace cumulet::hypervisor
