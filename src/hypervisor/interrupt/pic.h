// PicPair: the PC's two cascaded 8259A interrupt controllers (Intel 8259A datasheet).
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "base/result.h"
#include "hypervisor/device/bus.h"
#include "hypervisor/device/byte_window.h"
#include "hypervisor/device/device.h"

namespace cumulet::hypervisor {

// One 8259A. Pins and priorities are 0 to 7.
class Pic {
 public:
  void reset();
  void set_level(uint8_t pin, bool high);
  // The pin that the next INTA cycle would serve, or -1.
  [[nodiscard]] int pending() const;
  // Runs an INTA cycle: `pin` goes into service. Returns its vector.
  uint8_t acknowledge(uint8_t pin);
  [[nodiscard]] uint8_t spurious_vector() const { return static_cast<uint8_t>(vector_base_ | 7); }

  [[nodiscard]] uint8_t read(uint64_t offset);
  void write(uint64_t offset, uint8_t value);
  [[nodiscard]] uint8_t level_triggered() const { return level_triggered_; }
  void set_level_triggered(uint8_t pins);
  void set_cascade(uint8_t pins) { cascade_ = pins; }

 private:
  void write_command(uint8_t value);
  void write_operation_command_2(uint8_t value);
  // The cascade follows its slave's output, so it is a level whatever ELCR says.
  [[nodiscard]] uint8_t level_pins() const { return level_triggered_ | cascade_; }

  uint8_t requested_ = 0, in_service_ = 0, levels_ = 0;
  uint8_t mask_ = 0xff;          // nothing gets through before somebody initializes the chip
  uint8_t level_triggered_ = 0;  // ELCR
  uint8_t cascade_ = 0;          // pins with a slave behind them
  uint8_t vector_base_ = 0, lowest_priority_ = 7;
  uint8_t initialization_step_ = 0;  // the next ICW expected on the data port, or 0
  bool needs_icw4_ = false, single_ = false;
  bool read_in_service_ = false, poll_ = false;
  bool auto_end_ = false, rotate_on_auto_end_ = false, special_mask_ = false, fully_nested_ = false;
};

// Not thread-safe: used under the machine's device lock.
class PicPair final : public Device {
 public:
  // `on_output` gets the level of the master's INT pin whenever it changes.
  explicit PicPair(std::function<void(bool high)> on_output);

  [[nodiscard]] std::string_view name() const override { return "8259a"; }
  void reset() override;
  // Errors: those of Bus::insert().
  [[nodiscard]] Result<void> claim(Bus& ports, uint16_t master_port, uint16_t slave_port, uint16_t elcr_port);

  // Precondition: irq < 16, and not 2, the cascade.
  void set_level(uint8_t irq, bool high);
  // The processor's INTA cycle: the vector of the highest request, or a spurious one (IRQ 7 or 15).
  [[nodiscard]] uint8_t acknowledge();

 private:
  [[nodiscard]] uint8_t access(Pic& pic, uint64_t offset);
  void write(Pic& pic, uint64_t offset, uint8_t value);
  void update();

  Pic master_, slave_;
  std::function<void(bool)> on_output_;
  bool output_ = false;
  ByteWindow master_window_, slave_window_, elcr_window_;
};

}  // namespace cumulet::hypervisor
