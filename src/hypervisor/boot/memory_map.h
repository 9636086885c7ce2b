// MemoryMap: what a guest is told about its physical address space at boot (the "e820" map).
#pragma once

#include <cstdint>
#include <vector>

#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// Values as in the INT 15h E820h interface (ACPI 6.4, table 15.4); PVH and multiboot use the same ones.
enum class MemoryType : uint32_t { kUsable = 1, kReserved = 2 };

struct MemoryMapEntry {
  GuestAddress address;
  uint64_t size;  // bytes
  MemoryType type;
  friend bool operator==(const MemoryMapEntry&, const MemoryMapEntry&) = default;
};

using MemoryMap = std::vector<MemoryMapEntry>;

// The PC's conventional low memory ends where the extended BIOS data area would be; from there to 1 MiB are
// video memory, option ROMs and the firmware's tables.
inline constexpr GuestAddress kConventionalMemoryEnd = 0x9fc00;
inline constexpr GuestAddress kHighMemoryStart = 0x100000;

// Describes guest RAM: usable but for [kConventionalMemoryEnd, kHighMemoryStart), plus the `reserved` windows
// (device memory such as ECAM), sorted by address.
MemoryMap describe_memory(const GuestMemory& memory, const MemoryMap& reserved);

}  // namespace cumulet::hypervisor
