// The 8259A's command words, priorities and INTA cycle; and two of them, cascaded.
#include "hypervisor/interrupt/pic.h"

#include <utility>

#include "base/check.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint8_t bit(int pin) { return static_cast<uint8_t>(1 << pin); }
constexpr uint8_t kCascadePin = 2;
constexpr uint8_t kMasterElcrWritable = 0xf8,
                  kSlaveElcrWritable = 0xde;  // IRQs 0-2, 8 and 13 are always edges
}  // namespace

void Pic::reset() {
  uint8_t levels = levels_, cascade = cascade_;
  *this = Pic();
  levels_ = levels;
  cascade_ = cascade;
}

void Pic::set_level(uint8_t pin, bool high) {
  uint8_t mask = bit(pin);
  bool rising = high && (levels_ & mask) == 0;
  levels_ = static_cast<uint8_t>(high ? levels_ | mask : levels_ & ~mask);
  if ((level_pins() & mask) != 0) {
    requested_ = static_cast<uint8_t>(high ? requested_ | mask : requested_ & ~mask);
  } else if (rising) {
    requested_ |= mask;  // stays when the line falls before INTA: our devices send edges as pulses
  }
}

int Pic::pending() const {
  uint8_t requests = requested_ & ~mask_;
  if (requests == 0 || initialization_step_ != 0) return -1;
  // In special mask mode a masked pin in service holds nothing back; in the special fully nested mode neither
  // does the cascade, whose slave has priorities of its own.
  uint8_t holding = special_mask_ ? in_service_ & ~mask_ : in_service_;
  if (fully_nested_) holding &= ~cascade_;
  for (int i = 1; i <= 8; ++i) {
    int pin = (lowest_priority_ + i) & 7;
    if ((holding & bit(pin)) != 0) return -1;
    if ((requests & bit(pin)) != 0) return pin;
  }
  return -1;
}

uint8_t Pic::acknowledge(uint8_t pin) {
  if ((level_pins() & bit(pin)) == 0) requested_ &= ~bit(pin);
  if (!auto_end_) {
    in_service_ |= bit(pin);
  } else if (rotate_on_auto_end_) {
    lowest_priority_ = pin;
  }
  return vector_base_ | pin;
}

uint8_t Pic::read(uint64_t offset) {
  if (poll_) {  // the next read of either port is an INTA cycle in disguise
    poll_ = false;
    int pin = pending();
    if (pin < 0) return 0;
    acknowledge(static_cast<uint8_t>(pin));
    return static_cast<uint8_t>(0x80 | pin);
  }
  if (offset != 0) return mask_;
  return read_in_service_ ? in_service_ : requested_;
}

void Pic::write(uint64_t offset, uint8_t value) {
  if (offset == 0) return write_command(value);
  switch (initialization_step_) {
    case 2:  // ICW2: the vector base
      vector_base_ = value & 0xf8;
      initialization_step_ = !single_ ? 3 : needs_icw4_ ? 4 : 0;
      return;
    case 3:  // ICW3: the cascade, which is soldered here
      initialization_step_ = needs_icw4_ ? 4 : 0;
      return;
    case 4:  // ICW4
      auto_end_ = (value & 1 << 1) != 0;
      fully_nested_ = (value & 1 << 4) != 0;
      initialization_step_ = 0;
      return;
    default: mask_ = value; return;  // OCW1
  }
}

void Pic::write_command(uint8_t value) {
  if ((value & 1 << 4) != 0) {  // ICW1 begins initialization; edges seen so far are forgotten
    uint8_t elcr = level_triggered_;
    reset();
    level_triggered_ = elcr;
    requested_ = levels_ & level_pins();
    mask_ = 0;
    needs_icw4_ = (value & 1 << 0) != 0;
    single_ = (value & 1 << 1) != 0;
    initialization_step_ = 2;
  } else if ((value & 1 << 3) != 0) {  // OCW3
    if ((value & 1 << 2) != 0) poll_ = true;
    if ((value & 1 << 1) != 0) read_in_service_ = (value & 1 << 0) != 0;
    if ((value & 1 << 6) != 0) special_mask_ = (value & 1 << 5) != 0;
  } else {
    write_operation_command_2(value);
  }
}

void Pic::write_operation_command_2(uint8_t value) {
  bool rotate = (value & 1 << 7) != 0, specific = (value & 1 << 6) != 0, end = (value & 1 << 5) != 0;
  int pin = value & 7;
  if (end) {
    if (!specific) {
      for (int i = 1; i <= 8; ++i) {
        pin = (lowest_priority_ + i) & 7;
        if ((in_service_ & bit(pin)) != 0) break;
      }
      if ((in_service_ & bit(pin)) == 0) return;
    }
    in_service_ &= ~bit(pin);
    if (rotate) lowest_priority_ = static_cast<uint8_t>(pin);
  } else if (specific) {
    if (rotate)
      lowest_priority_ = static_cast<uint8_t>(pin);  // "set priority"; without rotate it does nothing
  } else {
    rotate_on_auto_end_ = rotate;
  }
}

void Pic::set_level_triggered(uint8_t pins) {
  level_triggered_ = pins;
  requested_ = static_cast<uint8_t>((requested_ & ~level_pins()) | (levels_ & level_pins()));
}

PicPair::PicPair(std::function<void(bool high)> on_output)
    : on_output_(std::move(on_output)),
      master_window_([this](uint64_t offset) { return access(master_, offset); },
                     [this](uint64_t offset, uint8_t value) { write(master_, offset, value); }),
      slave_window_([this](uint64_t offset) { return access(slave_, offset); },
                    [this](uint64_t offset, uint8_t value) { write(slave_, offset, value); }),
      elcr_window_(
          [this](uint64_t offset) { return (offset == 0 ? master_ : slave_).level_triggered(); },
          [this](uint64_t offset, uint8_t value) {
            (offset == 0 ? master_ : slave_)
                .set_level_triggered(value & (offset == 0 ? kMasterElcrWritable : kSlaveElcrWritable));
            update();
          }) {
  master_.set_cascade(bit(kCascadePin));
}

void PicPair::reset() {
  master_.reset();
  slave_.reset();
  update();
}

Result<void> PicPair::claim(Bus& ports, uint16_t master_port, uint16_t slave_port, uint16_t elcr_port) {
  TRY_VOID(ports.insert(master_port, 2, master_window_));
  TRY_VOID(ports.insert(slave_port, 2, slave_window_));
  return ports.insert(elcr_port, 2, elcr_window_);
}

uint8_t PicPair::access(Pic& pic, uint64_t offset) {
  uint8_t value = pic.read(offset);
  update();  // a poll takes an interrupt into service
  return value;
}

void PicPair::write(Pic& pic, uint64_t offset, uint8_t value) {
  pic.write(offset, value);
  update();
}

void PicPair::set_level(uint8_t irq, bool high) {
  CHECK(irq < 16 && irq != kCascadePin);
  (irq < 8 ? master_ : slave_).set_level(irq & 7, high);
  update();
}

uint8_t PicPair::acknowledge() {
  int pin = master_.pending();
  uint8_t vector = pin < 0 ? master_.spurious_vector() : master_.acknowledge(static_cast<uint8_t>(pin));
  if (pin == kCascadePin) {
    int slave_pin = slave_.pending();
    vector = slave_pin < 0 ? slave_.spurious_vector() : slave_.acknowledge(static_cast<uint8_t>(slave_pin));
  }
  update();
  return vector;
}

void PicPair::update() {
  master_.set_level(kCascadePin, slave_.pending() >= 0);
  bool output = master_.pending() >= 0;
  if (output == output_) return;
  output_ = output;
  on_output_(output);
}

}  // namespace cumulet::hypervisor
