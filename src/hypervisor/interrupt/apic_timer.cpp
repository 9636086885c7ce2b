// The local APIC's timer as a function of time: only expiries that somebody waits for wake the host.
#include "hypervisor/interrupt/apic_timer.h"

#include <algorithm>
#include <utility>

#include "hypervisor/device/ticks.h"

namespace cumulet::hypervisor {

using apic::TimerMode;

ApicTimer::ApicTimer(TimerService& timers, uint64_t tsc_khz, std::function<uint64_t()> read_tsc,
                     std::function<void()> on_expired)
    : timers_(timers),
      tsc_khz_(tsc_khz),
      read_tsc_(std::move(read_tsc)),
      on_expired_(std::move(on_expired)),
      timer_(timers.create([this] { expired(); })) {}

void ApicTimer::reset() {
  timer_->disarm();
  mode_ = TimerMode::kOneShot;
  wanted_ = false;
  counted_down_ = true;
  initial_count_ = divide_configuration_ = 0;
  tsc_deadline_ = 0;
}

void ApicTimer::configure(TimerMode mode, bool wanted) {
  if (mode != mode_ && (mode == TimerMode::kTscDeadline || mode_ == TimerMode::kTscDeadline)) {
    initial_count_ = 0;
    tsc_deadline_ = 0;
  }
  // What ran out while nobody waited for it stays silent.
  if (!wanted_ && now_ns() - started_ns_ >= span_ns()) counted_down_ = true;
  mode_ = mode;
  wanted_ = wanted;
  schedule();
}

void ApicTimer::set_initial_count(uint32_t count) {
  if (mode_ == TimerMode::kTscDeadline) return;
  initial_count_ = count;
  started_ns_ = now_ns();
  counted_down_ = false;
  schedule();
}

void ApicTimer::set_divide_configuration(uint32_t value) {
  uint64_t remaining = current_count();
  divide_configuration_ = value & 0xb;
  // The count goes on from where it is; unsigned wrap-around keeps the differences right.
  started_ns_ = now_ns() - (initial_count_ - remaining) * divisor();
  schedule();
}

void ApicTimer::set_tsc_deadline(uint64_t tsc) {
  if (mode_ != TimerMode::kTscDeadline) return;
  tsc_deadline_ = tsc;
  schedule();
}

uint32_t ApicTimer::current_count() const {
  if (mode_ == TimerMode::kTscDeadline || initial_count_ == 0) return 0;
  uint64_t ticks = (now_ns() - started_ns_) / divisor();
  if (mode_ == TimerMode::kPeriodic) return static_cast<uint32_t>(initial_count_ - ticks % initial_count_);
  if (counted_down_ || ticks >= initial_count_) return 0;
  return static_cast<uint32_t>(initial_count_ - ticks);
}

uint64_t ApicTimer::tsc_deadline() const { return mode_ == TimerMode::kTscDeadline ? tsc_deadline_ : 0; }

uint64_t ApicTimer::divisor() const {
  // Bits 3, 1 and 0 make 0 to 7, for 2, 4, ... 128, 1 (figure 10-10).
  uint32_t code = (divide_configuration_ & 3) | (divide_configuration_ >> 1 & 4);
  return code == 7 ? 1 : uint64_t{2} << code;
}

void ApicTimer::schedule(uint64_t not_before_ns) {
  timer_->disarm();
  if (!wanted_) return;
  if (mode_ == TimerMode::kTscDeadline) {
    schedule_tsc_deadline();
  } else if (initial_count_ != 0) {
    if (mode_ == TimerMode::kPeriodic) {
      uint64_t periods = (now_ns() - started_ns_) / span_ns() + 1;
      timer_->arm(std::max(started_ns_ + periods * span_ns(), not_before_ns));
    } else if (!counted_down_) {
      timer_->arm(started_ns_ + span_ns());
    }
  }
}

void ApicTimer::schedule_tsc_deadline() {
  if (tsc_deadline_ == 0) return;
  // The guest's TSC and the host's clock drift apart: expired() looks again, and so the wait may be cut
  // short.
  constexpr uint64_t kLongestWaitNs = 3600 * kNsPerSecond;
  uint64_t ticks = tsc_deadline_ - std::min(tsc_deadline_, read_tsc_());
  constexpr uint64_t kNsPerMs = 1'000'000;
  uint64_t wait_ns = kLongestWaitNs;
  if (ticks < kLongestWaitNs / kNsPerMs * tsc_khz_) wait_ns = multiply_divide(ticks, kNsPerMs, tsc_khz_) + 1;
  timer_->arm(now_ns() + (ticks == 0 ? 0 : wait_ns));
}

void ApicTimer::expired() {
  if (mode_ == TimerMode::kTscDeadline) {
    if (tsc_deadline_ == 0) return;
    if (read_tsc_() < tsc_deadline_) return schedule_tsc_deadline();
    tsc_deadline_ = 0;
  } else if (mode_ == TimerMode::kPeriodic) {
    schedule(now_ns() + kMinimumPeriodNs);
  } else {
    counted_down_ = true;
  }
  on_expired_();
}

}  // namespace cumulet::hypervisor
