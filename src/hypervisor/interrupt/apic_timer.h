// ApicTimer: the local APIC's timer: one-shot, periodic and TSC-deadline (Intel SDM volume 3, 10.5.4).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "hypervisor/device/timer.h"
#include "hypervisor/interrupt/local_apic_registers.h"

namespace cumulet::hypervisor {

// Counts a 1 GHz input clock down. Used under the machine's device lock.
class ApicTimer {
 public:
  // `tsc_khz` 0 means no TSC-deadline mode; `on_expired` is called at every expiry, masked or not.
  ApicTimer(TimerService& timers, uint64_t tsc_khz, std::function<uint64_t()> read_tsc,
            std::function<void()> on_expired);

  void reset();
  // A change of mode stops the timer when it goes to or from TSC-deadline mode (10.5.4.1). `wanted` false
  // (the LVT entry is masked) only saves the wake-ups: the count goes on.
  void configure(apic::TimerMode mode, bool wanted);
  void set_initial_count(uint32_t count);
  void set_divide_configuration(uint32_t value);
  void set_tsc_deadline(uint64_t tsc);

  [[nodiscard]] bool has_tsc_deadline() const { return tsc_khz_ != 0; }
  [[nodiscard]] uint32_t initial_count() const { return initial_count_; }
  [[nodiscard]] uint32_t current_count() const;
  [[nodiscard]] uint32_t divide_configuration() const { return divide_configuration_; }
  [[nodiscard]] uint64_t tsc_deadline() const;

 private:
  [[nodiscard]] uint64_t divisor() const;
  [[nodiscard]] uint64_t now_ns() const { return timers_.clock().monotonic_ns(); }
  // Length of one count-down, in nanoseconds.
  [[nodiscard]] uint64_t span_ns() const { return initial_count_ * divisor(); }
  void schedule(uint64_t not_before_ns = 0);
  void schedule_tsc_deadline();
  void expired();

  TimerService& timers_;
  uint64_t tsc_khz_;
  std::function<uint64_t()> read_tsc_;
  std::function<void()> on_expired_;
  apic::TimerMode mode_ = apic::TimerMode::kOneShot;
  bool wanted_ = false;
  bool counted_down_ = true;  // one-shot: it has reached 0
  uint32_t initial_count_ = 0, divide_configuration_ = 0;
  uint64_t started_ns_ = 0;       // when the present period began to count from initial_count_
  uint64_t tsc_deadline_ = 0;     // 0: disarmed
  std::unique_ptr<Timer> timer_;  // last member: destroyed first, so that no callback sees the rest gone
};

}  // namespace cumulet::hypervisor
