// The 16550A's registers, FIFO and interrupt conditions.
#include "hypervisor/serial/uart.h"

#include <algorithm>
#include <utility>

namespace cumulet::hypervisor {

Uart::Uart(InterruptLine& line, Peer peer) : line_(line), peer_(std::move(peer)) {}

void Uart::reset() {
  interrupt_enable_ = line_control_ = modem_control_ = scratch_ = modem_changes_ = 0;
  divisor_ = 0;
  fifos_enabled_ = overrun_ = transmitter_empty_pending_ = false;
  trigger_level_ = 1;
  fifo_head_ = fifo_count_ = 0;
  update_line();
  offer_room();
}

void Uart::read(uint64_t offset, MutableByteView out) {
  for (uint8_t& byte : out) byte = read_register(offset++);
  update_line();
  offer_room();
}

void Uart::write(uint64_t offset, ByteView bytes) {
  for (uint8_t byte : bytes) write_register(offset++, byte);
  update_line();
  offer_room();
}

size_t Uart::receive(ByteView bytes) {
  // In loopback the input pin is disconnected: the bytes wait outside, instead of being lost.
  size_t room = loop() ? 0 : receive_capacity() - std::min(receive_capacity(), fifo_count_);
  size_t taken = std::min(room, bytes.size());
  for (uint8_t byte : bytes.first(taken)) push_received(byte);
  input_blocked_ = taken < bytes.size();
  update_line();
  return taken;
}

void Uart::offer_room() {
  if (!input_blocked_ || loop() || fifo_count_ >= receive_capacity()) return;
  input_blocked_ = false;
  if (peer_.on_room) peer_.on_room();
}

uint8_t Uart::read_register(uint64_t offset) {
  switch (offset) {
    case uart::kData: return divisor_latch() ? static_cast<uint8_t>(divisor_) : read_data();
    case uart::kInterruptEnable:
      return divisor_latch() ? static_cast<uint8_t>(divisor_ >> 8) : interrupt_enable_;
    case uart::kInterruptIdentity: {
      uint8_t identity = interrupt_identity();
      if (identity == uart::kIdTransmitterEmpty) transmitter_empty_pending_ = false;
      return identity | (fifos_enabled_ ? uart::kIdFifosEnabled : uint8_t{0});
    }
    case uart::kLineControl: return line_control_;
    case uart::kModemControl: return modem_control_;
    case uart::kLineStatus: {
      uint8_t status = line_status();
      overrun_ = false;
      return status;
    }
    case uart::kModemStatus: {
      uint8_t status = modem_inputs() | modem_changes_;
      modem_changes_ = 0;
      return status;
    }
    case uart::kScratch: return scratch_;
    default: return 0xff;
  }
}

void Uart::write_register(uint64_t offset, uint8_t value) {
  switch (offset) {
    case uart::kData:
      if (!divisor_latch()) return write_data(value);
      divisor_ = static_cast<uint16_t>((divisor_ & 0xff00) | value);
      return;
    case uart::kInterruptEnable:
      if (divisor_latch()) {
        divisor_ = static_cast<uint16_t>((divisor_ & 0x00ff) | value << 8);
        return;
      }
      // Enabling the transmitter interrupt while the register is empty raises it at once; drivers count on
      // it.
      if ((value & ~interrupt_enable_ & uart::kEnableTransmitterEmpty) != 0)
        transmitter_empty_pending_ = true;
      interrupt_enable_ = value & uart::kEnableAll;
      return;
    case uart::kInterruptIdentity: return write_fifo_control(value);
    case uart::kLineControl: line_control_ = value; return;
    case uart::kModemControl: {
      uint8_t before = modem_inputs();
      modem_control_ = value & uart::kModemControlAll;
      return modem_inputs_changed(before);
    }
    case uart::kScratch: scratch_ = value; return;
    default: return;  // LSR and MSR are read-only
  }
}

uint8_t Uart::read_data() {
  if (fifo_count_ == 0) return 0;
  uint8_t value = fifo_[fifo_head_];
  fifo_head_ = (fifo_head_ + 1) % fifo_.size();
  --fifo_count_;
  return value;
}

void Uart::write_data(uint8_t value) {
  // The holding register fills and empties again: the interrupt line sees both, since it may be
  // edge-triggered.
  transmitter_empty_pending_ = false;
  update_line();
  if (loop()) {
    push_received(value);
  } else if (peer_.on_output) {
    peer_.on_output(value);
  }
  transmitter_empty_pending_ = true;
}

void Uart::write_fifo_control(uint8_t value) {
  static constexpr std::array<uint8_t, 4> kTriggerLevels = {1, 4, 8, 14};
  bool enable = (value & uart::kFifoEnable) != 0;
  if (enable != fifos_enabled_ || (value & uart::kFifoClearReceiver) != 0) fifo_count_ = 0;
  if (enable != fifos_enabled_ || (value & uart::kFifoClearTransmitter) != 0)
    transmitter_empty_pending_ = true;
  fifos_enabled_ = enable;
  trigger_level_ = enable ? kTriggerLevels[value >> uart::kFifoTriggerShift] : uint8_t{1};
}

void Uart::push_received(uint8_t value) {
  if (fifo_count_ >= receive_capacity()) {
    overrun_ = true;
    return;
  }
  fifo_[(fifo_head_ + fifo_count_) % fifo_.size()] = value;
  ++fifo_count_;
}

uint8_t Uart::line_status() const {
  uint8_t status = uart::kTransmitterHoldingEmpty | uart::kTransmitterEmpty;
  if (fifo_count_ > 0) status |= uart::kDataReady;
  if (overrun_) status |= uart::kOverrun;
  return status;
}

uint8_t Uart::modem_inputs() const {
  if (!loop()) return uart::kClearToSend | uart::kDataSetReady | uart::kCarrierDetect;
  uint8_t inputs = 0;
  if ((modem_control_ & uart::kRts) != 0) inputs |= uart::kClearToSend;
  if ((modem_control_ & uart::kDtr) != 0) inputs |= uart::kDataSetReady;
  if ((modem_control_ & uart::kOut1) != 0) inputs |= uart::kRing;
  if ((modem_control_ & uart::kOut2) != 0) inputs |= uart::kCarrierDetect;
  return inputs;
}

void Uart::modem_inputs_changed(uint8_t before) {
  uint8_t changed = before ^ modem_inputs();
  // RI tells its end only; the others tell both edges.
  modem_changes_ |= (changed & ~uart::kRing) >> 4;
  if ((changed & before & uart::kRing) != 0) modem_changes_ |= uart::kRingEnded;
}

uint8_t Uart::interrupt_identity() const {
  if ((interrupt_enable_ & uart::kEnableLineStatus) != 0 && overrun_) return uart::kIdLineStatus;
  if ((interrupt_enable_ & uart::kEnableReceived) != 0 && fifo_count_ > 0) {
    // Bytes below the trigger level time out at once: nothing is gained by waiting four characters.
    return fifo_count_ >= trigger_level_ ? uart::kIdReceived : uart::kIdCharacterTimeout;
  }
  if ((interrupt_enable_ & uart::kEnableTransmitterEmpty) != 0 && transmitter_empty_pending_)
    return uart::kIdTransmitterEmpty;
  if ((interrupt_enable_ & uart::kEnableModemStatus) != 0 && modem_changes_ != 0) return uart::kIdModemStatus;
  return uart::kIdNone;
}

void Uart::update_line() { line_.set_level(interrupt_identity() != uart::kIdNone); }

}  // namespace cumulet::hypervisor
