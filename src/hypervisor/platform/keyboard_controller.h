// KeyboardController: the 8042, without keyboard or mouse: it answers probes and resets the machine.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/result.h"
#include "hypervisor/device/bus.h"
#include "hypervisor/device/byte_window.h"
#include "hypervisor/device/device.h"

namespace cumulet::hypervisor {

// Not thread-safe: used under the machine's device lock.
class KeyboardController final : public Device {
 public:
  // `on_reset`: the guest pulled the processor's reset line (command 0xfe, or the output port's bit 0).
  KeyboardController(InterruptLine& irq1, std::function<void()> on_reset);

  [[nodiscard]] std::string_view name() const override { return "i8042"; }
  void reset() override;
  // Errors: those of Bus::insert().
  [[nodiscard]] Result<void> claim(Bus& ports, uint16_t data_port, uint16_t command_port);

 private:
  [[nodiscard]] uint8_t read_data();
  [[nodiscard]] uint8_t read_status() const;
  void write_command(uint8_t command);
  void write_data(uint8_t value);
  void write_output_port(uint8_t value);
  void answer(uint8_t value, bool timed_out = false, bool from_auxiliary = false);
  void update_line();

  InterruptLine& irq1_;
  std::function<void()> on_reset_;
  uint8_t memory_[32] = {};  // commands 0x20 to 0x7f; byte 0 is the configuration
  uint8_t output_port_ = 0;
  bool last_write_was_command_ = false, timed_out_ = false, from_auxiliary_ = false;
  std::optional<uint8_t> output_;   // the byte waiting at the data port
  uint8_t last_output_ = 0;         // what an empty data port reads as
  uint8_t expecting_data_for_ = 0;  // the command whose data byte comes next, or 0
  ByteWindow data_window_, command_window_;
};

}  // namespace cumulet::hypervisor
