// The static ACPI tables as bytes (ACPI 6.4, chapter 5), checksums included.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// Returns `body` behind a standard header (5.2.6) with length and checksum filled in. `signature` has 4
// characters.
std::vector<uint8_t> acpi_table(std::string_view signature, uint8_t revision, ByteView body);

// The value that makes the bytes add up to zero.
uint8_t checksum(ByteView bytes);

std::vector<uint8_t> build_rsdp(GuestAddress rsdt, GuestAddress xsdt);
std::vector<uint8_t> build_rsdt(std::span<const GuestAddress> tables);  // 32-bit addresses, for older systems
std::vector<uint8_t> build_xsdt(std::span<const GuestAddress> tables);
std::vector<uint8_t> build_facs();
// Fixed hardware: power button, PM timer, soft-off, reset register; no SMI, so always in ACPI mode.
std::vector<uint8_t> build_fadt(GuestAddress facs, GuestAddress dsdt);
// Processors, IO-APIC, the interrupt overrides of layout.h, and LINT1 as NMI.
std::vector<uint8_t> build_madt(uint32_t processors);
std::vector<uint8_t> build_mcfg();
std::vector<uint8_t> build_hpet();

}  // namespace cumulet::hypervisor
