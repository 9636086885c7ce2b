// Calendar arithmetic for timestamps, by <chrono>'s civil calendar (no locale, no time zone).
#include "api/shape/timestamp.h"

#include <chrono>
#include <fmt/format.h>

namespace cumulet::api {

namespace {

using Days = std::chrono::sys_days;

// Reads exactly `count` decimal digits at `position`; -1 if they are not digits.
int digits(std::string_view text, size_t position, size_t count) {
  int value = 0;
  for (size_t i = position; i < position + count; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

std::optional<Timestamp> from_civil(int year, int month, int day, int hour, int minute, int second, int ms) {
  if (year < 1970 || month < 1 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59) return {};
  if (second < 0 || second > 59 || ms < 0) return {};
  std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return {};
  int64_t days = Days(date).time_since_epoch().count();
  return Timestamp{(((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + ms};
}

}  // namespace

std::string format_timestamp(Timestamp timestamp) {
  std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(timestamp.epoch_ms)};
  auto days = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date(days);
  std::chrono::hh_mm_ss<std::chrono::milliseconds> of_day(time - days);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     of_day.hours().count(), of_day.minutes().count(), of_day.seconds().count(),
                     of_day.subseconds().count());
}

std::optional<Timestamp> parse_timestamp(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text.back() != 'Z') {
    return {};
  }
  int ms = 0;
  if (text.size() > 20) {
    if (text.size() != 24 || text[19] != '.') return {};
    ms = digits(text, 20, 3);
  }
  return from_civil(digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2), digits(text, 11, 2),
                    digits(text, 14, 2), digits(text, 17, 2), ms);
}

std::optional<Timestamp> parse_basic_timestamp(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return {};
  return from_civil(digits(text, 0, 4), digits(text, 4, 2), digits(text, 6, 2), digits(text, 9, 2),
                    digits(text, 11, 2), digits(text, 13, 2), 0);
}

}  // namespace cumulet::api
