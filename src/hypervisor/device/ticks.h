// Conversions between nanoseconds and the ticks of a device's clock, exact to the tick at any uptime.
#pragma once

#include <cstdint>

namespace cumulet::hypervisor {

inline constexpr uint64_t kNsPerSecond = 1'000'000'000;

// a × b / c, rounded down, without overflow in between. Precondition: the result fits, c is not 0.
[[nodiscard]] inline uint64_t multiply_divide(uint64_t a, uint64_t b, uint64_t c) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(a) * b / c);
}

// Whole ticks of a clock of `hz` that have passed after `ns`.
[[nodiscard]] inline uint64_t ticks_of_ns(uint64_t ns, uint64_t hz) {
  return multiply_divide(ns, hz, kNsPerSecond);
}

// The first nanosecond at which `ticks` whole ticks have passed.
[[nodiscard]] inline uint64_t ns_of_ticks(uint64_t ticks, uint64_t hz) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(ticks) * kNsPerSecond + hz - 1) / hz);
}

// A guest may ask for a timer period of nanoseconds. The host is not woken more often than this for a
// periodic timer: ticks in between are merged, as they are when a virtual processor is late.
inline constexpr uint64_t kMinimumPeriodNs = 50'000;

}  // namespace cumulet::hypervisor
