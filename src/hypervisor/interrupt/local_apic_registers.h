// Registers of the local APIC (Intel SDM volume 3, 10.4 to 10.12): indices, bits and masks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cumulet::hypervisor::apic {

// Register indices: the xAPIC offset divided by 16, and the x2APIC MSR number minus 0x800 (table 10-6).
enum Register : uint32_t {
  kId = 0x02,
  kVersion = 0x03,
  kTaskPriority = 0x08,
  kArbitrationPriority = 0x09,  // not on current processors: reads 0
  kProcessorPriority = 0x0a,
  kEndOfInterrupt = 0x0b,
  kLogicalDestination = 0x0d,
  kDestinationFormat = 0x0e,  // xAPIC only
  kSpurious = 0x0f,
  kInService = 0x10,  // 8 registers
  kTriggerMode = 0x18,
  kRequested = 0x20,
  kErrorStatus = 0x28,
  kCommandLow = 0x30,
  kCommandHigh = 0x31,  // xAPIC only
  kLvtTimer = 0x32,
  kLvtThermal = 0x33,
  kLvtPerformance = 0x34,
  kLvtLint0 = 0x35,
  kLvtLint1 = 0x36,
  kLvtError = 0x37,
  kInitialCount = 0x38,
  kCurrentCount = 0x39,
  kDivideConfiguration = 0x3e,
  kSelfIpi = 0x3f,  // x2APIC only
};

// Entries of the local vector table, in register order.
enum class Lvt : size_t { kTimer, kThermal, kPerformance, kLint0, kLint1, kError };
inline constexpr size_t kLvtCount = 6;

// Version 0x14, highest LVT entry 5, no suppression of EOI broadcasts (10.4.8).
inline constexpr uint32_t kVersionValue = 0x0005'0014;

// IA32_APIC_BASE (10.4.4, 10.12.1).
inline constexpr uint32_t kMsrBase = 0x1b, kMsrTscDeadline = 0x6e0, kMsrFirst = 0x800, kMsrLast = 0x8ff;
inline constexpr uint64_t kBaseBootstrap = 1 << 8, kBaseExtended = 1 << 10, kBaseEnable = 1 << 11,
                          kBaseAddress = 0x000f'ffff'ffff'f000, kBaseDefault = 0xfee0'0000;

// Spurious-interrupt vector register (10.9).
inline constexpr uint32_t kSpuriousEnable = 1 << 8, kSpuriousWritable = 0x3ff;

// Local vector table entries (10.5.1).
inline constexpr uint32_t kLvtVector = 0xff, kLvtModeShift = 8, kLvtMode = 7 << 8, kLvtPolarity = 1 << 13,
                          kLvtLevel = 1 << 15, kLvtMasked = 1 << 16, kLvtTimerMode = 3 << 17;
enum class TimerMode : uint32_t { kOneShot = 0, kPeriodic = 1, kTscDeadline = 2, kReserved = 3 };

// Interrupt command register (10.6.1).
inline constexpr uint32_t kCommandModeShift = 8, kCommandLogical = 1 << 11, kCommandAssert = 1 << 14,
                          kCommandLevel = 1 << 15, kCommandShorthandShift = 18,
                          kCommandWritable = 0x000c'cfff;
enum class Shorthand : uint32_t { kNone = 0, kSelf = 1, kAll = 2, kAllButSelf = 3 };

// Error status register (10.5.3).
inline constexpr uint32_t kErrorSendVector = 1 << 5, kErrorReceiveVector = 1 << 6, kErrorRegister = 1 << 7;

// Vectors below this are illegal in interrupts (10.5.2).
inline constexpr uint8_t kFirstLegalVector = 16;

}  // namespace cumulet::hypervisor::apic
