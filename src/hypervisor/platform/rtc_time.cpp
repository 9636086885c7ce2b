// The real-time clock's calendar: seconds since 1970 to and from its registers, binary or BCD, 12 or 24
// hours.
#include <algorithm>
#include <chrono>

#include "hypervisor/device/ticks.h"
#include "hypervisor/platform/rtc.h"
#include "hypervisor/platform/rtc_registers.h"

namespace cumulet::hypervisor {

int64_t Rtc::guest_seconds() const { return static_cast<int64_t>(wall_ns() / kNsPerSecond) + offset_s_; }

Rtc::Time Rtc::guest_time() const {
  using std::chrono::sys_seconds, std::chrono::seconds, std::chrono::days;
  sys_seconds now{seconds(guest_seconds())};
  auto day = std::chrono::floor<days>(now);
  std::chrono::year_month_day date{day};
  std::chrono::hh_mm_ss time{now - day};
  return {.year = static_cast<uint16_t>(static_cast<int>(date.year())),
          .month = static_cast<uint8_t>(static_cast<unsigned>(date.month())),
          .day = static_cast<uint8_t>(static_cast<unsigned>(date.day())),
          .hour = static_cast<uint8_t>(time.hours().count()),
          .minute = static_cast<uint8_t>(time.minutes().count()),
          .second = static_cast<uint8_t>(time.seconds().count()),
          .weekday = static_cast<uint8_t>(std::chrono::weekday{day}.c_encoding() + 1)};
}

void Rtc::set_guest_time(const Time& time) {
  using namespace std::chrono;
  // Whatever the guest wrote becomes some time; a day past the month's end runs into the next month.
  year_month_day first{year(std::min<int>(time.year, 9999)), month(std::clamp<unsigned>(time.month, 1, 12)),
                       day(1)};
  sys_days date = sys_days(first) + days(std::clamp<int>(time.day, 1, 31) - 1);
  auto of_day = hours(time.hour % 24) + minutes(time.minute % 60) + seconds(time.second % 60);
  int64_t wanted_s = (date.time_since_epoch() + of_day) / seconds(1);
  offset_s_ = wanted_s - static_cast<int64_t>(wall_ns() / kNsPerSecond);
}

uint8_t Rtc::encode(uint8_t value) const {
  if ((memory_[rtc::kB] & rtc::kBinary) != 0) return value;
  return static_cast<uint8_t>(value / 10 << 4 | value % 10);
}

uint8_t Rtc::decode(uint8_t value) const {
  if ((memory_[rtc::kB] & rtc::kBinary) != 0) return value;
  return static_cast<uint8_t>((value >> 4) * 10 + (value & 0xf));
}

uint8_t Rtc::encode_hour(uint8_t hour) const {
  if ((memory_[rtc::kB] & rtc::k24Hours) != 0) return encode(hour);
  uint8_t of_half = hour % 12 == 0 ? 12 : hour % 12;
  return encode(of_half) | (hour >= 12 ? rtc::kAfternoon : uint8_t{0});
}

uint8_t Rtc::decode_hour(uint8_t value) const {
  if ((memory_[rtc::kB] & rtc::k24Hours) != 0) return decode(value);
  return static_cast<uint8_t>(decode(value & ~rtc::kAfternoon) % 12 +
                              ((value & rtc::kAfternoon) != 0 ? 12 : 0));
}

uint8_t Rtc::time_register(uint8_t index) const {
  Time time = held() ? held_ : guest_time();
  switch (index) {
    case rtc::kSeconds: return encode(time.second);
    case rtc::kMinutes: return encode(time.minute);
    case rtc::kHours: return encode_hour(time.hour);
    case rtc::kWeekday: return time.weekday;
    case rtc::kDay: return encode(time.day);
    case rtc::kMonth: return encode(time.month);
    case rtc::kYear: return encode(static_cast<uint8_t>(time.year % 100));
    default: return encode(static_cast<uint8_t>(time.year / 100));
  }
}

void Rtc::write_time_register(uint8_t index, uint8_t value) {
  Time time = held() ? held_ : guest_time();
  switch (index) {
    case rtc::kSeconds: time.second = decode(value); break;
    case rtc::kMinutes: time.minute = decode(value); break;
    case rtc::kHours: time.hour = decode_hour(value); break;
    case rtc::kDay: time.day = decode(value); break;
    case rtc::kMonth: time.month = decode(value); break;
    case rtc::kYear: time.year = static_cast<uint16_t>(time.year / 100 * 100 + decode(value) % 100); break;
    case rtc::kCentury: time.year = static_cast<uint16_t>(decode(value) % 100 * 100 + time.year % 100); break;
    default: return;  // the weekday follows from the date
  }
  if (held()) {
    held_ = time;
    held_written_ = true;
  } else {
    set_guest_time(time);
    updates_seen_s_ = guest_seconds();
  }
}

}  // namespace cumulet::hypervisor
