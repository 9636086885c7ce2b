// Clock: time as a dependency, so that core logic can be tested with a time of its own.
#pragma once

#include <chrono>
#include <cstdint>

namespace cumulet {

class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds since an arbitrary start; never goes back. Thread-safe.
  [[nodiscard]] virtual uint64_t monotonic_ns() const = 0;
  // Nanoseconds since 1970-01-01 00:00 UTC. Thread-safe.
  [[nodiscard]] virtual uint64_t wall_ns() const = 0;
};

// The host's CLOCK_MONOTONIC and CLOCK_REALTIME.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] uint64_t monotonic_ns() const override;
  [[nodiscard]] uint64_t wall_ns() const override;
};

// A clock that a test moves by hand. Not thread-safe.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] uint64_t monotonic_ns() const override { return now_ns_; }
  [[nodiscard]] uint64_t wall_ns() const override { return epoch_ns_ + now_ns_; }
  void advance_ns(uint64_t ns) { now_ns_ += ns; }

 private:
  uint64_t now_ns_ = 0;
  uint64_t epoch_ns_ = 1'700'000'000'000'000'000;
};

}  // namespace cumulet
