// The host's clocks.
#include "base/clock.h"

#include <ctime>

namespace cumulet {

namespace {
uint64_t read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}
}  // namespace

uint64_t SystemClock::monotonic_ns() const { return read_clock(CLOCK_MONOTONIC); }
uint64_t SystemClock::wall_ns() const { return read_clock(CLOCK_REALTIME); }

}  // namespace cumulet
