// Timer: how a device asks to be called at a time, without owning a thread or a clock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.h"

namespace cumulet::hypervisor {

// A single-shot alarm. Its callback runs under the machine's device lock, as every device call does, so a
// device needs no lock of its own. Destroying the timer disarms it.
class Timer {
 public:
  virtual ~Timer() = default;
  // Calls back once at or after `deadline_ns` (the service's monotonic clock); replaces an earlier deadline.
  virtual void arm(uint64_t deadline_ns) = 0;
  virtual void disarm() = 0;
};

class TimerService {
 public:
  virtual ~TimerService() = default;
  [[nodiscard]] virtual std::unique_ptr<Timer> create(std::function<void()> callback) = 0;
  [[nodiscard]] virtual const Clock& clock() const = 0;
};

// A timer service that a test moves by hand: advance_ns() runs what falls due, in order. Not thread-safe.
class ManualTimerService final : public TimerService {
 public:
  ManualTimerService();
  ~ManualTimerService() override;
  [[nodiscard]] std::unique_ptr<Timer> create(std::function<void()> callback) override;
  [[nodiscard]] const Clock& clock() const override;
  void advance_ns(uint64_t ns);

 private:
  struct Queue;
  std::shared_ptr<Queue> queue_;
};

}  // namespace cumulet::hypervisor
