// Registers of the HPET (IA-PC HPET specification 1.0a, section 2.3).
#pragma once

#include <cstddef>
#include <cstdint>

namespace cumulet::hypervisor::hpet {

inline constexpr size_t kComparatorCount = 3;
inline constexpr size_t kRouteCount = 24;  // IO-APIC pins that a comparator may be routed to
inline constexpr uint64_t kTickNs = 10;    // 100 MHz
inline constexpr uint64_t kPeriodFs = kTickNs * 1'000'000;

// Offsets of the 64-bit registers.
inline constexpr uint64_t kCapabilities = 0x000, kConfiguration = 0x010, kInterruptStatus = 0x020,
                          kMainCounter = 0x0f0, kComparators = 0x100, kComparatorStride = 0x20;
// Within a comparator's block.
inline constexpr uint64_t kComparatorConfiguration = 0x00, kComparatorValue = 0x08, kComparatorRoute = 0x10;

// General capabilities: period in femtoseconds, vendor, legacy route, 64-bit counter, last comparator,
// revision 1.
inline constexpr uint64_t kCapabilitiesValue =
    kPeriodFs << 32 | uint64_t{0x8086} << 16 | 1 << 15 | 1 << 13 | (kComparatorCount - 1) << 8 | 1;

// General configuration.
inline constexpr uint64_t kEnable = 1 << 0, kLegacyReplacement = 1 << 1;

// Comparator configuration and capabilities.
inline constexpr uint64_t kLevelTriggered = 1 << 1, kInterruptEnable = 1 << 2, kPeriodic = 1 << 3,
                          kPeriodicCapable = 1 << 4, k64BitCapable = 1 << 5, kSetValue = 1 << 6,
                          k32BitMode = 1 << 8, kRouteShift = 9, kRouteMask = 0x1f << 9;
inline constexpr uint64_t kComparatorWritable =
    kLevelTriggered | kInterruptEnable | kPeriodic | k32BitMode | kRouteMask;
// Routing capability: every pin but 0 to 2, which belong to the 8254 and the 8259A.
inline constexpr uint64_t kRouteCapability = uint64_t{0x00ff'fff8} << 32;

}  // namespace cumulet::hypervisor::hpet
