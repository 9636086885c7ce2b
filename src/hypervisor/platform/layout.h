// The platform's map: every fixed port, address and interrupt, one table for devices and ACPI.
#pragma once

#include <cstdint>

namespace cumulet::hypervisor::layout {

// Ports. The first group is where every PC has them since the PC/AT.
inline constexpr uint16_t kPicMasterPort = 0x20;  // 2 ports
inline constexpr uint16_t kPitPort = 0x40;        // 4 ports
inline constexpr uint16_t kKeyboardDataPort = 0x60;
inline constexpr uint16_t kSystemControlPort = 0x61;  // "port B": timer gate, speaker, refresh
inline constexpr uint16_t kKeyboardCommandPort = 0x64;
inline constexpr uint16_t kRtcPort = 0x70;  // 2 ports
inline constexpr uint16_t kPostPort = 0x80;
inline constexpr uint16_t kPicSlavePort = 0xa0;    // 2 ports
inline constexpr uint16_t kDebugExitPort = 0xf4;   // 4 ports; only with --debug-exit
inline constexpr uint16_t kCom1Port = 0x3f8;       // 8 ports
inline constexpr uint16_t kPicElcrPort = 0x4d0;    // 2 ports
inline constexpr uint16_t kPciConfigPort = 0xcf8;  // 8 ports
inline constexpr uint16_t kResetPort = 0xcf9;      // inside the PCI configuration ports

// ACPI fixed hardware (ACPI 6.4, 4.8), one block of 16 ports. There is no general-purpose event block.
inline constexpr uint16_t kAcpiPort = 0x600;
inline constexpr uint16_t kAcpiPortCount = 16;
inline constexpr uint16_t kAcpiPm1EventPort = kAcpiPort;        // 4 ports: status, enable
inline constexpr uint16_t kAcpiPm1ControlPort = kAcpiPort + 4;  // 2 ports
inline constexpr uint16_t kAcpiPmTimerPort = kAcpiPort + 8;     // 4 ports, 32 bits wide

// What the guest writes to reset or to power off.
inline constexpr uint8_t kResetValue = 0x06;  // to kResetPort: hard reset of the processors and the platform
inline constexpr uint8_t kSleepTypeS5 = 5;    // SLP_TYP of soft-off, as _S5 in the DSDT says

// ISA interrupts. On the IO-APIC, IRQ n is GSI n, but for IRQ 0, which is GSI 2 (the MADT's override).
inline constexpr uint8_t kPitIrq = 0, kKeyboardIrq = 1, kCom1Irq = 4, kRtcIrq = 8, kSciIrq = 9;
inline constexpr uint32_t kPitGsi = 2;
inline constexpr uint32_t kGsiCount = 24;

// Physical memory. RAM fills [0, kLowRamEnd) but for the hole below 1 MiB, and goes on at kHighRamStart.
inline constexpr uint64_t kLowRamEnd = 0xc000'0000;
inline constexpr uint64_t kPciMemory32Start = 0xc000'0000, kPciMemory32End = 0xe000'0000;
inline constexpr uint64_t kEcamAddress =
    0xe000'0000;  // PCI segment 0, buses 0 to kEcamBusCount - 1, 1 MiB each
// Guests probe every device number of every bus there may be, with two exits each: so there are few.
inline constexpr uint32_t kEcamBusCount = 16;
inline constexpr uint64_t kIoApicAddress = 0xfec0'0000;
inline constexpr uint8_t kIoApicId = 0;
inline constexpr uint64_t kHpetAddress = 0xfed0'0000;
inline constexpr uint64_t kLocalApicAddress = 0xfee0'0000;  // the power-on value of IA32_APIC_BASE
inline constexpr uint64_t kHighRamStart = 0x1'0000'0000;
// Below the 39 physical address bits that any 64-bit host has; RAM ends before it.
inline constexpr uint64_t kPciMemory64Start = 0x60'0000'0000, kPciMemory64End = 0x80'0000'0000;
inline constexpr uint32_t kPciPortStart = 0x1000, kPciPortEnd = 0x1'0000;

// CMOS register that holds the century (FADT CENTURY).
inline constexpr uint8_t kRtcCenturyRegister = 0x32;

}  // namespace cumulet::hypervisor::layout
