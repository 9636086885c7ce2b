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
  [[nodiscard]] uint64_t wall_ns() const { return timers_.clock().wall_ns(); }
  // The guest's clock in seconds since 1970. Its seconds begin when the host's do.
  [[nodiscard]] int64_t guest_seconds() const;
  [[nodiscard]] Time guest_time() const;
  void set_guest_time(const Time& time);
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
  [[nodiscard]] bool held() const;
  [[nodiscard]] bool alarm_within(int64_t from_s, int64_t to_s) const;
  [[nodiscard]] uint64_t period_ticks() const;
  void catch_up();
  void schedule();
  void update_line();

  TimerService& timers_;
  InterruptLine& irq8_;
  uint8_t index_ = 0;
  std::array<uint8_t, 128> memory_{};  // registers and CMOS; the time of day is computed, not stored
  int64_t offset_s_ = 0;               // guest time minus the host's wall clock
  bool held_written_ = false;          // the guest changed the time that it holds
  Time held_{};                        // the time of day while register B's SET stops it
  int64_t updates_seen_s_ = 0;         // guest time up to which update and alarm flags are set
  uint64_t periods_seen_ = 0;          // periodic ticks up to which the periodic flag is set
  bool connected_ = true;
  ByteWindow window_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace cumulet::hypervisor
