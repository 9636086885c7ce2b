// Registers of the 16550A UART (National Semiconductor PC16550D datasheet, section 8).
#pragma once

#include <cstddef>
#include <cstdint>

namespace cumulet::hypervisor::uart {

// Offsets from the base port. With LCR.DLAB set, 0 and 1 are the divisor latch.
enum Register : uint64_t {
  kData = 0,               // RBR (read), THR (write); DLL
  kInterruptEnable = 1,    // IER; DLM
  kInterruptIdentity = 2,  // IIR (read), FCR (write)
  kLineControl = 3,
  kModemControl = 4,
  kLineStatus = 5,
  kModemStatus = 6,
  kScratch = 7,
};
inline constexpr uint64_t kPortCount = 8;

// IER
inline constexpr uint8_t kEnableReceived = 1 << 0, kEnableTransmitterEmpty = 1 << 1,
                         kEnableLineStatus = 1 << 2, kEnableModemStatus = 1 << 3, kEnableAll = 0x0f;
// IIR, in falling priority
inline constexpr uint8_t kIdLineStatus = 0x06, kIdReceived = 0x04, kIdCharacterTimeout = 0x0c,
                         kIdTransmitterEmpty = 0x02, kIdModemStatus = 0x00, kIdNone = 0x01,
                         kIdFifosEnabled = 0xc0;
// FCR
inline constexpr uint8_t kFifoEnable = 1 << 0, kFifoClearReceiver = 1 << 1, kFifoClearTransmitter = 1 << 2,
                         kFifoTriggerShift = 6;
// LCR
inline constexpr uint8_t kDivisorLatchAccess = 1 << 7;
// MCR
inline constexpr uint8_t kDtr = 1 << 0, kRts = 1 << 1, kOut1 = 1 << 2, kOut2 = 1 << 3, kLoop = 1 << 4,
                         kModemControlAll = 0x1f;
// LSR
inline constexpr uint8_t kDataReady = 1 << 0, kOverrun = 1 << 1, kBreak = 1 << 4,
                         kTransmitterHoldingEmpty = 1 << 5, kTransmitterEmpty = 1 << 6, kLineErrors = 0x1e;
// MSR: the low half tells what changed in the high half
inline constexpr uint8_t kClearToSend = 1 << 4, kDataSetReady = 1 << 5, kRing = 1 << 6,
                         kCarrierDetect = 1 << 7, kRingEnded = 1 << 2;

inline constexpr size_t kFifoSize = 16;

}  // namespace cumulet::hypervisor::uart
