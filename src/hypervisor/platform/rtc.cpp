// The real-time clock: time of day from the host's clock; flags and interrupts caught up when somebody looks.
#include "hypervisor/platform/rtc.h"

#include <algorithm>

#include "base/check.h"
#include "hypervisor/device/ticks.h"
#include "hypervisor/platform/rtc_registers.h"

namespace cumulet::hypervisor {

Rtc::Rtc(TimerService& timers, InterruptLine& irq8)
    : timers_(timers),
      irq8_(irq8),
      window_([this](uint64_t offset) { return read_port(offset); },
              [this](uint64_t offset, uint8_t value) { write_port(offset, value); }),
      timer_(timers.create([this] {
        catch_up();
        schedule();
      })) {
  memory_[rtc::kA] = rtc::kDefaultA;
  memory_[rtc::kB] = rtc::k24Hours;
  reset();
}

void Rtc::reset() {
  index_ = 0;
  if (held()) write_register_b(memory_[rtc::kB] & ~rtc::kSet);
  memory_[rtc::kB] &= rtc::kBinary | rtc::k24Hours;
  memory_[rtc::kC] = 0;
  updates_seen_s_ = guest_seconds();
  periods_seen_ = ticks_of_ns(now_ns(), rtc::kOscillatorHz);
  update_line();
  schedule();
}

Result<void> Rtc::claim(Bus& ports, uint16_t port) { return ports.insert(port, 2, window_); }

void Rtc::set_irq_connected(bool connected) {
  connected_ = connected;
  update_line();
  schedule();
}

void Rtc::set_memory(uint8_t index, uint8_t value) {
  CHECK(index >= rtc::kFirstMemory && index < memory_.size() && index != rtc::kCentury);
  memory_[index] = value;
}

bool Rtc::held() const { return (memory_[rtc::kB] & rtc::kSet) != 0; }

uint8_t Rtc::read_port(uint64_t offset) {
  if (offset == 0) return 0xff;  // the index is write-only
  return read_register(index_);
}

void Rtc::write_port(uint64_t offset, uint8_t value) {
  if (offset == 0) {
    index_ = value & 0x7f;  // bit 7 masks NMI on the PC/AT; there is nothing to mask
  } else {
    write_register(index_, value);
  }
}

uint8_t Rtc::read_register(uint8_t index) {
  switch (index) {
    case rtc::kA: {
      bool updating = !held() && wall_ns() % kNsPerSecond >= kNsPerSecond - rtc::kUpdateNs;
      return memory_[index] | (updating ? rtc::kUpdateInProgress : uint8_t{0});
    }
    case rtc::kC: return read_register_c();
    case rtc::kD: return rtc::kValid;
    case rtc::kSecondsAlarm:
    case rtc::kMinutesAlarm:
    case rtc::kHoursAlarm:
    case rtc::kB: return memory_[index];
    default: return index < rtc::kA || index == rtc::kCentury ? time_register(index) : memory_[index];
  }
}

void Rtc::write_register(uint8_t index, uint8_t value) {
  switch (index) {
    case rtc::kA:
      catch_up();
      memory_[index] = value & ~rtc::kUpdateInProgress;
      periods_seen_ = ticks_of_ns(now_ns(), rtc::kOscillatorHz);
      return schedule();
    case rtc::kB: return write_register_b(value);
    case rtc::kC:
    case rtc::kD: return;  // read-only
    case rtc::kSecondsAlarm:
    case rtc::kMinutesAlarm:
    case rtc::kHoursAlarm:
      catch_up();
      memory_[index] = value;
      return;
    default:
      if (index < rtc::kA || index == rtc::kCentury) return write_time_register(index, value);
      memory_[index] = value;
  }
}

void Rtc::write_register_b(uint8_t value) {
  catch_up();
  bool was_held = held();
  if ((value & rtc::kSet) != 0) value &= ~rtc::kUpdateEnable;  // SET clears UIE
  if (!was_held && (value & rtc::kSet) != 0) {
    held_ = guest_time();
    held_written_ = false;
  }
  memory_[rtc::kB] = value;
  if (was_held && !held()) {
    if (held_written_) set_guest_time(held_);
    updates_seen_s_ = guest_seconds();
  }
  update_line();
  schedule();
}

uint8_t Rtc::read_register_c() {
  catch_up();
  uint8_t value = memory_[rtc::kC];
  memory_[rtc::kC] = 0;
  update_line();
  schedule();
  return value;
}

uint64_t Rtc::period_ticks() const {
  unsigned rate = memory_[rtc::kA] & rtc::kRate;
  if (rate == 0) return 0;
  if (rate < 3) rate += 7;  // with a 32.768 kHz crystal rates 1 and 2 are 8 and 9 (table 5)
  return uint64_t{1} << (rate - 1);
}

bool Rtc::alarm_within(int64_t from_s, int64_t to_s) const {
  constexpr int64_t kDaySeconds = 86'400;
  auto matches = [](uint8_t alarm, uint8_t value) {
    return (alarm & rtc::kAlarmAny) == rtc::kAlarmAny || alarm == value;
  };
  for (int64_t s = std::max(from_s, to_s - kDaySeconds) + 1; s <= to_s; ++s) {
    int64_t of_day = (s % kDaySeconds + kDaySeconds) % kDaySeconds;
    if (matches(memory_[rtc::kSecondsAlarm], encode(static_cast<uint8_t>(of_day % 60))) &&
        matches(memory_[rtc::kMinutesAlarm], encode(static_cast<uint8_t>(of_day / 60 % 60))) &&
        matches(memory_[rtc::kHoursAlarm], encode_hour(static_cast<uint8_t>(of_day / 3600))))
      return true;
  }
  return false;
}

void Rtc::catch_up() {
  if (!held()) {
    int64_t seconds = guest_seconds();
    if (seconds > updates_seen_s_) {
      memory_[rtc::kC] |= rtc::kUpdateFlag;
      if (alarm_within(updates_seen_s_, seconds)) memory_[rtc::kC] |= rtc::kAlarmFlag;
    }
    updates_seen_s_ = seconds;
  }
  uint64_t ticks = ticks_of_ns(now_ns(), rtc::kOscillatorHz);
  if (uint64_t period = period_ticks(); period != 0 && ticks / period != periods_seen_ / period)
    memory_[rtc::kC] |= rtc::kPeriodicFlag;
  periods_seen_ = ticks;
  update_line();
}

void Rtc::schedule() {
  timer_->disarm();
  // An interrupt that the guest has not acknowledged by reading C holds further ones back.
  if (!connected_ || (memory_[rtc::kC] & rtc::kInterrupt) != 0) return;
  uint64_t due_ns = ~uint64_t{0};
  if (uint64_t period = period_ticks(); period != 0 && (memory_[rtc::kB] & rtc::kPeriodicEnable) != 0)
    due_ns = ns_of_ticks((periods_seen_ / period + 1) * period, rtc::kOscillatorHz);
  if (!held() && (memory_[rtc::kB] & (rtc::kUpdateEnable | rtc::kAlarmEnable)) != 0)
    due_ns = std::min(due_ns, now_ns() + kNsPerSecond - wall_ns() % kNsPerSecond);
  if (due_ns != ~uint64_t{0}) timer_->arm(due_ns);
}

void Rtc::update_line() {
  constexpr uint8_t kFlags = rtc::kPeriodicFlag | rtc::kAlarmFlag | rtc::kUpdateFlag;
  uint8_t& flags = memory_[rtc::kC];
  flags = (flags & memory_[rtc::kB] & kFlags) != 0 ? flags | rtc::kInterrupt : flags & ~rtc::kInterrupt;
  irq8_.set_level(connected_ && (flags & rtc::kInterrupt) != 0);
}

}  // namespace cumulet::hypervisor
