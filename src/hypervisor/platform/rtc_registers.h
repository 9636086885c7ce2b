// Registers of the MC146818 real-time clock (Motorola datasheet, table 1 and "Registers").
#pragma once

#include <cstdint>

namespace cumulet::hypervisor::rtc {

enum Register : uint8_t {
  kSeconds = 0,
  kSecondsAlarm = 1,
  kMinutes = 2,
  kMinutesAlarm = 3,
  kHours = 4,
  kHoursAlarm = 5,
  kWeekday = 6,
  kDay = 7,
  kMonth = 8,
  kYear = 9,
  kA = 10,
  kB = 11,
  kC = 12,
  kD = 13,
  kFirstMemory = 14,
  kCentury = 0x32,  // by convention; the FADT says so
};

// A: update in progress, rate of the periodic interrupt
inline constexpr uint8_t kUpdateInProgress = 1 << 7, kRate = 0x0f, kDefaultA = 0x26;
// B
inline constexpr uint8_t kSet = 1 << 7, kPeriodicEnable = 1 << 6, kAlarmEnable = 1 << 5,
                         kUpdateEnable = 1 << 4, kSquareWave = 1 << 3, kBinary = 1 << 2, k24Hours = 1 << 1;
// C: the same bits as the enables in B, and their sum
inline constexpr uint8_t kInterrupt = 1 << 7, kPeriodicFlag = 1 << 6, kAlarmFlag = 1 << 5,
                         kUpdateFlag = 1 << 4;
// D
inline constexpr uint8_t kValid = 1 << 7;
// Alarm registers with both top bits set match any value.
inline constexpr uint8_t kAlarmAny = 0xc0;
// Hour register in 12-hour mode.
inline constexpr uint8_t kAfternoon = 1 << 7;

inline constexpr uint64_t kOscillatorHz = 32'768;
inline constexpr uint64_t kUpdateNs = 244'000;  // UIP is set this long before an update

}  // namespace cumulet::hypervisor::rtc
