// The machine that a guest program finds when it starts: descriptor tables, page tables, registers.
#pragma once

#include "program.h"

#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/vcpu/state.h"

namespace cumulet::guest_test {

// Addresses; programs/guest.inc has the same list for the guest.
inline constexpr hypervisor::GuestAddress kGdt = 0x1000, kTss = 0x1800, kPml4 = 0x4000, kTrapRecord = 0xd000,
                                          kCpuidCopy = 0xe000, kRealProgram = 0x8000, kProgram = 0x100000;
inline constexpr uint64_t kRamSize = 16 << 20;
inline constexpr uint64_t kStackTop = 0x90000, kSecondStackTop = 0xa0000;

// Where a program of this mode is loaded and entered.
hypervisor::GuestAddress load_address(StartMode mode);

// Writes the GDT, a TSS, and page tables: linear 0 to 4 GiB is physical, supervisor, writable, in 2 MiB
// pages; a "window" of 512 absent 4 KiB pages at 0x8000000000 for the program's own use.
void write_tables(hypervisor::GuestMemory& memory);

// The registers in which a vCPU starts at `rip`: interrupts off; the general registers are 0 but for RSP.
hypervisor::CpuState start_state(StartMode mode, uint64_t rip, uint64_t rsp);

}  // namespace cumulet::guest_test
