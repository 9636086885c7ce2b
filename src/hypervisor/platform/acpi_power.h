// AcpiPower: ACPI's fixed hardware: power button, soft-off, and the 3.58 MHz timer (ACPI 6.4, section 4.8).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "hypervisor/device/device.h"
#include "hypervisor/device/timer.h"

namespace cumulet::hypervisor {

inline constexpr uint64_t kPmTimerHz = 3'579'545;

// One block of 16 ports: PM1a event at 0 (4 bytes), PM1a control at 4 (2 bytes), PM timer at 8 (32 bits).
// ACPI mode is always on (SCI_EN reads 1). Not thread-safe: used under the machine's device lock.
class AcpiPower final : public IoHandler, public Device {
 public:
  static constexpr uint64_t kPortCount = 16;

  // `on_poweroff`: the guest entered S5, which is `sleep_type_s5` written with SLP_EN. The SCI is
  // level-triggered.
  AcpiPower(TimerService& timers, InterruptLine& sci, uint8_t sleep_type_s5,
            std::function<void()> on_poweroff);

  [[nodiscard]] std::string_view name() const override { return "acpi-power"; }
  void reset() override;
  void read(uint64_t offset, MutableByteView out) override;
  void write(uint64_t offset, ByteView bytes) override;
  // Sets PWRBTN_STS; the guest gets an SCI if it enabled the button.
  void press_power_button();

 private:
  [[nodiscard]] uint64_t ticks() const;
  [[nodiscard]] uint64_t now_ns() const { return timers_.clock().monotonic_ns(); }
  void write_register(uint64_t offset, uint8_t value);
  void write_control_high(uint8_t value);
  void catch_up();
  void update();

  TimerService& timers_;
  InterruptLine& sci_;
  uint8_t sleep_type_s5_;
  std::function<void()> on_poweroff_;
  uint64_t origin_ns_ = 0;   // when the PM timer was zero
  uint64_t half_turns_ = 0;  // of the timer's top bit, up to which TMR_STS was set
  uint16_t status_ = 0, enable_ = 0, control_ = 0;
  std::unique_ptr<Timer> timer_;
};

}  // namespace cumulet::hypervisor
