// SMBIOS: the DMI tables by which a guest learns that it is an EC2 instance, and which one.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hypervisor/firmware/tables.h"
#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// Parses the text form of a UUID into SMBIOS's byte order: the first three fields little-endian
// (SMBIOS 3.0, 7.2.1), so that what the guest prints is the text. Error kInvalidArgument.
Result<std::array<uint8_t, 16>> parse_uuid(std::string_view text);

// The structures: types 0, 1, 2, 3, 4, 16, 17, 19, 32 and 127. Error kInvalidArgument: malformed UUID or
// instance id.
Result<std::vector<uint8_t>> build_smbios(const FirmwareConfig& config);

// The 64-bit entry point "_SM3_" (5.2.2).
std::vector<uint8_t> build_smbios_entry(GuestAddress table, uint32_t size);

}  // namespace cumulet::hypervisor
