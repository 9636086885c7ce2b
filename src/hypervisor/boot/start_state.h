// The processor states in which the boot protocols enter a kernel.
#pragma once

#include "base/result.h"
#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/vcpu/state.h"

namespace cumulet::hypervisor {

// Selectors of the start GDT (Linux's __BOOT_CS and __BOOT_DS; boot.rst, "64-bit boot protocol").
inline constexpr uint16_t kBootCodeSelector = 0x10, kBootDataSelector = 0x18, kBootTaskSelector = 0x20;

// Protected mode, flat 4 GiB segments, paging and interrupts off: PVH and multiboot. Writes the GDT to
// `gdt_address`. Error kInvalidArgument if that is not RAM.
Result<CpuState> flat_protected_mode(GuestMemory& memory, GuestAddress gdt_address, uint32_t entry);

// 64-bit mode with the first 4 GiB identity-mapped by 2 MiB pages: Linux's 64-bit entry. Writes the GDT and,
// at `tables_address` (page-aligned), six pages of page tables. Error kInvalidArgument if these are not RAM.
Result<CpuState> identity_long_mode(GuestMemory& memory, GuestAddress gdt_address,
                                    GuestAddress tables_address, uint64_t entry);

}  // namespace cumulet::hypervisor
