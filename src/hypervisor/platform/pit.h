// Pit: the 8254 interval timer and the port 61h bits around its third channel (Intel 8254 datasheet).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "hypervisor/device/bus.h"
#include "hypervisor/device/byte_window.h"
#include "hypervisor/device/device.h"
#include "hypervisor/device/timer.h"

namespace cumulet::hypervisor {

inline constexpr uint64_t kPitHz = 1'193'182;

// One counter of the 8254, as a function of time: nothing happens inside it between accesses.
class PitChannel {
 public:
  void reset();
  // Control word for this channel (access 1 to 3, mode 0 to 7, where 6 and 7 mean 2 and 3).
  void write_control(uint8_t access, uint8_t mode, bool bcd);
  void write_count(uint8_t value, uint64_t now_ns);
  [[nodiscard]] uint8_t read_count(uint64_t now_ns);
  void latch_count(uint64_t now_ns);
  void latch_status(uint64_t now_ns);
  void set_gate(bool high, uint64_t now_ns);

  [[nodiscard]] bool gate() const { return gate_; }
  [[nodiscard]] bool output(uint64_t now_ns) const;
  // When OUT next rises after `now_ns`; empty if it never will. At most one rise each `minimum_gap_ns` is
  // reported.
  [[nodiscard]] std::optional<uint64_t> next_rise_ns(uint64_t now_ns) const;

 private:
  [[nodiscard]] bool hardware_triggered() const;  // by the gate: modes 1 and 5
  [[nodiscard]] uint64_t elapsed_ticks(uint64_t now_ns) const;
  [[nodiscard]] uint32_t period() const { return reload_ == 0 ? (bcd_ ? 10'000 : 0x1'0000) : reload_; }
  [[nodiscard]] uint16_t count(uint64_t now_ns) const;
  void load(uint16_t value, uint64_t now_ns);

  uint8_t access_ = 3, mode_ = 0;  // access: 1 low byte, 2 high byte, 3 low then high
  bool bcd_ = false, gate_ = true;
  bool write_high_next_ = false, read_high_next_ = false;
  uint8_t written_low_ = 0;
  bool counting_ = false;      // a count was loaded since the control word
  bool triggered_ = true;      // modes 1 and 5 wait for a rising gate
  uint32_t reload_ = 0;        // as counted in binary; 0 means the maximum
  uint64_t started_ns_ = 0;    // when the counter held reload_
  uint64_t frozen_ticks_ = 0;  // ticks counted when a low gate stopped it
  std::optional<uint16_t> latched_count_;
  std::optional<uint8_t> latched_status_;
};

// Channel 0 drives IRQ 0; channel 1 (memory refresh, long gone) only counts; channel 2 is gated by port 61h
// and seen in its bit 5. Not thread-safe: used under the machine's device lock.
class Pit final : public Device {
 public:
  Pit(TimerService& timers, InterruptLine& irq0);

  [[nodiscard]] std::string_view name() const override { return "pit-8254"; }
  void reset() override;
  // Errors: those of Bus::insert().
  [[nodiscard]] Result<void> claim(Bus& ports, uint16_t counter_port, uint16_t system_control_port);
  // False while the HPET's legacy replacement route takes IRQ 0 over.
  void set_irq_connected(bool connected);

 private:
  [[nodiscard]] uint64_t now_ns() const { return timers_.clock().monotonic_ns(); }
  [[nodiscard]] uint8_t read_register(uint64_t offset);
  void write_register(uint64_t offset, uint8_t value);
  void write_control(uint8_t value);
  [[nodiscard]] uint8_t read_system_control() const;
  void write_system_control(uint8_t value);
  void schedule(uint64_t not_before_ns = 0);

  TimerService& timers_;
  InterruptLine& irq0_;
  std::array<PitChannel, 3> channels_;
  bool speaker_ = false, connected_ = true;
  ByteWindow counter_window_, system_control_window_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace cumulet::hypervisor
