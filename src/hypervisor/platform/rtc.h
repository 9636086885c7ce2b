// Rtc: the MC146818 real-time clock and CMOS memory (Motorola MC146818 datasheet).
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "hypervisor/device/bus.h"
#include "hypervisor/device/byte_window.h"
#include "hypervisor/device/device.h"
#include "hypervisor/device/timer.h"

namespace cumulet::hypervisor {

// The clock is the host's wall clock in UTC plus what the guest set it to; CMOS memory is lost with the
// machine. Not thread-safe: used under the machine's device lock.
class Rtc final : public Device {
 public:
  Rtc(TimerService& timers, InterruptLine& irq8);

  [[nodiscard]] std::string_view name() const override { return "rtc-mc146818"; }
  // The clock keeps running, as with a battery.
  void reset() override;
  // Errors: those of Bus::insert().
  [[nodiscard]] Result<void> claim(Bus& ports, uint16_t port);
  // False while the HPET's legacy replacement route takes IRQ 8 over.
  void set_irq_connected(bool connected);
  // Presets a byte of CMOS memory, as firmware would. Precondition: 0x0e <= index < 0x80, not the century
  // (0x32).
  void set_memory(uint8_t index, uint8_t value);

 private:
  struct Time {
    uint16_t year;
    uint8_t month, day, hour, minute, second;  // month and day from 1
    uint8_t weekday;                           // 1 = Sunday
  };

  [[nodiscard]] uint64_t now_ns() const { return timers_.clock().monotonic_ns(); }
  // The guest's time in nanoseconds since 1970; stands still while register B's SET holds the clock.
  [[nodiscard]] int64_t guest_ns() const;
  [[nodiscard]] uint8_t read_port(uint64_t offset);
  void write_port(uint64_t offset, uint8_t value);
  [[nodiscard]] uint8_t read_register(uint8_t index);
  void write_register(uint8_t index, uint8_t value);
  void write_register_b(uint8_t value);
  [[nodiscard]] uint8_t read_register_c();
  [[nodiscard]] uint8_t encode(uint8_t value) const;
  [[nodiscard]] uint8_t decode(uint8_t value) const;
  [[nodiscard]] uint8_t encode_hour(uint8_t hour) const;
  [[nodiscard]] uint8_t decode_hour(uint8_t value) const;
  [[nodiscard]] uint8_t time_register(uint8_t index) const;
  void write_time_register(uint8_t index, uint8_t value);
  [[nodiscard]] bool alarm_matches(const Time& time) const;
  [[nodiscard]] uint64_t periodic_interval_ns() const;
  void catch_up();
  void schedule();
  void update_line();

  TimerService& timers_;
  InterruptLine& irq8_;
  uint8_t index_ = 0;
  std::array<uint8_t, 128> memory_{};  // registers and CMOS; the time of day is computed, not stored
  int64_t offset_ns_ = 0;              // guest time minus the host's wall clock
  int64_t held_ns_ = 0;                // guest time when SET stopped the clock
  int64_t update_seen_s_ = 0;          // seconds of guest time up to which updates were handled
  uint64_t periodic_seen_ns_ = 0;      // monotonic time up to which periodic ticks were handled
  bool connected_ = true;
  ByteWindow window_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace cumulet::hypervisor
