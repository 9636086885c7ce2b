// Configuration space of PCI functions (PCI Local Bus 3.0 chapter 6, PCI Express Base 4.0 chapter 7).
#pragma once

#include <cstddef>
#include <cstdint>

namespace cumulet::hypervisor::pci {

inline constexpr size_t kConfigSize = 4096;  // the first 256 bytes are reachable through port 0xcfc
inline constexpr size_t kLegacyConfigSize = 256;

// Type 0 header (6.1).
inline constexpr uint16_t kVendorId = 0x00, kDeviceId = 0x02, kCommand = 0x04, kStatus = 0x06,
                          kRevisionId = 0x08, kClassCode = 0x09, kCacheLineSize = 0x0c, kHeaderType = 0x0e,
                          kBar0 = 0x10, kSubsystemVendorId = 0x2c, kSubsystemId = 0x2e,
                          kCapabilitiesPointer = 0x34, kInterruptLine = 0x3c, kInterruptPin = 0x3d,
                          kFirstCapability = 0x40;
inline constexpr size_t kBarCount = 6;

// Command (6.2.2)
inline constexpr uint16_t kCommandIo = 1 << 0, kCommandMemory = 1 << 1, kCommandBusMaster = 1 << 2,
                          kCommandParity = 1 << 6, kCommandSerr = 1 << 8, kCommandInterruptDisable = 1 << 10;
// Status (6.2.3)
inline constexpr uint16_t kStatusCapabilities = 1 << 4;
// Header type
inline constexpr uint8_t kMultiFunction = 1 << 7;

// Base address registers (6.2.5.1)
inline constexpr uint32_t kBarIo = 1 << 0, kBar64Bit = 2 << 1, kBarPrefetchable = 1 << 3,
                          kBarMemoryFlags = 0xf, kBarIoFlags = 0x3;

// Capability ids.
inline constexpr uint8_t kCapabilityPowerManagement = 0x01, kCapabilityExpress = 0x10, kCapabilityMsiX = 0x11;

// MSI-X (PCI 3.0, 6.8.2). Offsets are from the capability's start.
inline constexpr uint16_t kMsiXControl = 2, kMsiXTable = 4, kMsiXPending = 8;
inline constexpr size_t kMsiXCapabilitySize = 12;
inline constexpr uint16_t kMsiXFunctionMask = 1 << 14, kMsiXEnable = 1 << 15;
inline constexpr uint64_t kMsiXEntrySize = 16;
inline constexpr uint32_t kMsiXVectorMasked = 1 << 0;
inline constexpr size_t kMsiXMaxVectors = 2048;

}  // namespace cumulet::hypervisor::pci
