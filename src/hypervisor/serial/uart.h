// Uart: a 16550A serial port; output goes to a callback, input comes in as far as the FIFO has room.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "hypervisor/device/device.h"
#include "hypervisor/serial/registers.h"

namespace cumulet::hypervisor {

// The other end is always there and always ready: CTS, DSR and DCD are on, and a byte is sent the moment it
// is written. Not thread-safe: used under the machine's device lock.
class Uart final : public IoHandler, public Device {
 public:
  struct Peer {
    std::function<void(uint8_t byte)> on_output;  // one byte that the guest sent
    std::function<void()> on_room = {};           // optional: receive() may take more than it last did
  };

  Uart(InterruptLine& line, Peer peer);

  [[nodiscard]] std::string_view name() const override { return "uart-16550a"; }
  void reset() override;
  void read(uint64_t offset, MutableByteView out) override;
  void write(uint64_t offset, ByteView bytes) override;

  // Bytes for the guest. Returns how many of them, from the first, went into the receive FIFO; offer the rest
  // again when on_room is called.
  [[nodiscard]] size_t receive(ByteView bytes);

 private:
  [[nodiscard]] bool loop() const { return (modem_control_ & uart::kLoop) != 0; }
  [[nodiscard]] bool divisor_latch() const { return (line_control_ & uart::kDivisorLatchAccess) != 0; }
  [[nodiscard]] size_t receive_capacity() const { return fifos_enabled_ ? uart::kFifoSize : 1; }
  [[nodiscard]] uint8_t read_register(uint64_t offset);
  void write_register(uint64_t offset, uint8_t value);
  [[nodiscard]] uint8_t read_data();
  void write_data(uint8_t value);
  void write_fifo_control(uint8_t value);
  [[nodiscard]] uint8_t line_status() const;
  [[nodiscard]] uint8_t modem_inputs() const;
  void modem_inputs_changed(uint8_t before);
  [[nodiscard]] uint8_t interrupt_identity() const;
  void push_received(uint8_t value);
  void offer_room();
  void update_line();

  InterruptLine& line_;
  Peer peer_;
  uint8_t interrupt_enable_ = 0, line_control_ = 0, modem_control_ = 0, scratch_ = 0, modem_changes_ = 0;
  uint16_t divisor_ = 0;
  bool fifos_enabled_ = false, overrun_ = false;
  bool transmitter_empty_pending_ =
      false;                    // the THRE interrupt condition: set when THR empties, cleared by IIR or THR
  uint8_t trigger_level_ = 1;   // bytes in the receive FIFO that raise "data available"
  bool input_blocked_ = false;  // receive() refused a byte since on_room was last called
  std::array<uint8_t, uart::kFifoSize> fifo_{};
  size_t fifo_head_ = 0, fifo_count_ = 0;
};

}  // namespace cumulet::hypervisor
