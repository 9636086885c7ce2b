// Guests made at random: code, tables and registers that keep a processor busy with whatever can go wrong.
#pragma once

#include <random>

#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/vcpu/state.h"

namespace cumulet::guest_test {

inline constexpr uint64_t kStormRamSize = 4 << 20;

// Fills `memory` (kStormRamSize bytes from 0) and returns a start state: long, protected or real mode, any
// ring. Equal generators make equal guests.
hypervisor::CpuState make_storm_guest(hypervisor::GuestMemory& memory, std::mt19937_64& random);

}  // namespace cumulet::guest_test
