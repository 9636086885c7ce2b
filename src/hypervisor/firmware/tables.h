// The firmware's tables in guest RAM: ACPI and SMBIOS, put where every operating system looks for them.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// What the tables say about the machine; everything else comes from platform/layout.h.
struct FirmwareConfig {
  uint32_t processors = 1;  // APIC ids 0 to processors - 1
  uint64_t memory_bytes = 0;
  std::string instance_id;   // DMI board asset tag
  std::string product_uuid;  // 8-4-4-4-12 hexadecimal digits, or empty
};

// Writes all tables into [0xe0000, 0x100000) and returns the address of the ACPI root pointer (RSDP), which
// is also found by the search for "RSD PTR " (ACPI 6.4, 5.2.5.1), as SMBIOS is by "_SM3_"
// (SMBIOS 3.0, 5.2.2). Errors: kInvalidArgument for a malformed UUID or id, for more processors than fit, or
// without RAM there.
Result<GuestAddress> write_firmware_tables(GuestMemory& memory, const FirmwareConfig& config);

}  // namespace cumulet::hypervisor
