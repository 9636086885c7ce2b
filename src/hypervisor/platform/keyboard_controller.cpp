// The 8042's command set, as far as it goes without devices (IBM PC/AT technical reference; Intel 8042
// datasheet).
#include "hypervisor/platform/keyboard_controller.h"

#include <algorithm>
#include <utility>

namespace cumulet::hypervisor {

namespace {
// Status register
constexpr uint8_t kOutputFull = 1 << 0, kSystemFlag = 1 << 2, kLastWasCommand = 1 << 3,
                  kNotInhibited = 1 << 4, kFromAuxiliary = 1 << 5, kTimedOut = 1 << 6;
// Configuration byte
constexpr uint8_t kKeyboardInterrupt = 1 << 0, kConfigurationSystem = 1 << 2, kKeyboardDisabled = 1 << 4,
                  kAuxiliaryDisabled = 1 << 5, kTranslate = 1 << 6;
// Output port
constexpr uint8_t kNotReset = 1 << 0, kA20 = 1 << 1;

enum Command : uint8_t {
  kReadMemory = 0x20,   // to 0x3f
  kWriteMemory = 0x60,  // to 0x7f
  kDisableAuxiliary = 0xa7,
  kEnableAuxiliary = 0xa8,
  kTestAuxiliary = 0xa9,
  kSelfTest = 0xaa,
  kTestKeyboard = 0xab,
  kDisableKeyboard = 0xad,
  kEnableKeyboard = 0xae,
  kReadInputPort = 0xc0,
  kReadOutputPort = 0xd0,
  kWriteOutputPort = 0xd1,
  kWriteKeyboardBuffer = 0xd2,
  kWriteAuxiliaryBuffer = 0xd3,
  kWriteAuxiliary = 0xd4,
  kPulseOutputPort = 0xf0,  // to 0xff: a low bit pulses the output port's bit
};
constexpr uint8_t kSelfTestPassed = 0x55, kLinePassed = 0x00, kClockStuck = 0x01, kResend = 0xfe;
}  // namespace

KeyboardController::KeyboardController(InterruptLine& irq1, std::function<void()> on_reset)
    : irq1_(irq1),
      on_reset_(std::move(on_reset)),
      data_window_([this](uint64_t) { return read_data(); },
                   [this](uint64_t, uint8_t value) { write_data(value); }),
      command_window_([this](uint64_t) { return read_status(); },
                      [this](uint64_t, uint8_t value) { write_command(value); }) {
  reset();
}

void KeyboardController::reset() {
  std::fill(std::begin(memory_), std::end(memory_), uint8_t{0});
  memory_[0] = kConfigurationSystem | kKeyboardDisabled | kAuxiliaryDisabled | kTranslate;
  output_port_ = kNotReset | kA20;
  expecting_data_for_ = 0;
  last_write_was_command_ = timed_out_ = from_auxiliary_ = false;
  output_.reset();
  last_output_ = 0;
  update_line();
}

Result<void> KeyboardController::claim(Bus& ports, uint16_t data_port, uint16_t command_port) {
  TRY_VOID(ports.insert(data_port, 1, data_window_));
  return ports.insert(command_port, 1, command_window_);
}

uint8_t KeyboardController::read_status() const {
  uint8_t status = kNotInhibited;
  if (output_) status |= kOutputFull;
  if ((memory_[0] & kConfigurationSystem) != 0) status |= kSystemFlag;
  if (last_write_was_command_) status |= kLastWasCommand;
  if (output_ && from_auxiliary_) status |= kFromAuxiliary;
  if (output_ && timed_out_) status |= kTimedOut;
  return status;
}

uint8_t KeyboardController::read_data() {
  if (output_) last_output_ = *std::exchange(output_, std::nullopt);
  update_line();
  return last_output_;
}

void KeyboardController::answer(uint8_t value, bool timed_out, bool from_auxiliary) {
  output_ = value;
  timed_out_ = timed_out;
  from_auxiliary_ = from_auxiliary;
  update_line();
}

void KeyboardController::update_line() {
  irq1_.set_level(output_ && !from_auxiliary_ && (memory_[0] & kKeyboardInterrupt) != 0);
}

void KeyboardController::write_command(uint8_t command) {
  last_write_was_command_ = true;
  expecting_data_for_ = 0;
  if (command >= kReadMemory && command < kReadMemory + sizeof(memory_))
    return answer(memory_[command & 0x1f]);
  if (command >= kWriteMemory && command < kWriteMemory + sizeof(memory_)) {
    expecting_data_for_ = command;
    return;
  }
  if (command >= kPulseOutputPort) {
    if ((command & kNotReset) == 0) on_reset_();
    return;
  }
  switch (command) {
    case kDisableAuxiliary: memory_[0] |= kAuxiliaryDisabled; return;
    case kEnableAuxiliary: memory_[0] &= ~kAuxiliaryDisabled; return;
    case kTestAuxiliary: return answer(kClockStuck);  // no mouse port
    case kSelfTest: return answer(kSelfTestPassed);
    case kTestKeyboard: return answer(kLinePassed);
    case kDisableKeyboard: memory_[0] |= kKeyboardDisabled; return;
    case kEnableKeyboard: memory_[0] &= ~kKeyboardDisabled; return;
    case kReadInputPort: return answer(1 << 7);  // the keyboard is not locked
    case kReadOutputPort: return answer(output_port_);
    case kWriteOutputPort:
    case kWriteKeyboardBuffer:
    case kWriteAuxiliaryBuffer:
    case kWriteAuxiliary: expecting_data_for_ = command; return;
    default: return;
  }
}

void KeyboardController::write_data(uint8_t value) {
  last_write_was_command_ = false;
  uint8_t command = std::exchange(expecting_data_for_, uint8_t{0});
  switch (command) {
    case 0: return answer(kResend, true);  // to the keyboard, which is not there
    case kWriteOutputPort: return write_output_port(value);
    case kWriteKeyboardBuffer: return answer(value);
    // Real controllers mark this byte as the mouse's; without a mouse port, it is not, and drivers see that.
    case kWriteAuxiliaryBuffer: return answer(value);
    case kWriteAuxiliary: return answer(kResend, true, true);
    default:  // kWriteMemory and up
      memory_[command & 0x1f] = value;
      return update_line();
  }
}

void KeyboardController::write_output_port(uint8_t value) {
  output_port_ = value;  // A20 is always on: no operating system of 64 bits turns it off
  if ((value & kNotReset) == 0) on_reset_();
}

}  // namespace cumulet::hypervisor
