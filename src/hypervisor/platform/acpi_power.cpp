// ACPI's PM1 block and PM timer.
#include "hypervisor/platform/acpi_power.h"

#include <algorithm>
#include <array>
#include <utility>

#include "hypervisor/device/ticks.h"

namespace cumulet::hypervisor {

namespace {
// Offsets in the block.
constexpr uint64_t kStatus = 0, kEnable = 2, kControl = 4, kTimer = 8;
// PM1 status and enable (4.8.3.1)
constexpr uint16_t kTimerEvent = 1 << 0, kGlobalEvent = 1 << 5, kPowerButton = 1 << 8, kSleepButton = 1 << 9,
                   kRtcEvent = 1 << 10;
constexpr uint16_t kEnableWritable = kTimerEvent | kGlobalEvent | kPowerButton | kSleepButton | kRtcEvent;
// PM1 control (4.8.3.2.1). SLP_TYP is bits 12:10, SLP_EN bit 13, write-only; both are in the high byte.
constexpr uint16_t kSciEnable = 1 << 0, kBusMasterReload = 1 << 1;
constexpr uint16_t kSleepType = 7 << 10;
constexpr uint8_t kSleepEnableHigh = 1 << 5, kSleepTypeHighShift = 2;
// The timer's top bit, bit 31, turns over every 2^31 ticks.
constexpr unsigned kHalfTurnShift = 31;
}  // namespace

AcpiPower::AcpiPower(TimerService& timers, InterruptLine& sci, uint8_t sleep_type_s5,
                     std::function<void()> on_poweroff)
    : timers_(timers),
      sci_(sci),
      sleep_type_s5_(sleep_type_s5),
      on_poweroff_(std::move(on_poweroff)),
      timer_(timers.create([this] {
        catch_up();
        update();
      })) {
  reset();
}

void AcpiPower::reset() {
  status_ = enable_ = 0;
  control_ = kSciEnable;
  origin_ns_ = now_ns();
  half_turns_ = 0;
  update();
}

void AcpiPower::press_power_button() {
  status_ |= kPowerButton;
  update();
}

uint64_t AcpiPower::ticks() const { return ticks_of_ns(now_ns() - origin_ns_, kPmTimerHz); }

void AcpiPower::catch_up() {
  uint64_t half_turns = ticks() >> kHalfTurnShift;
  if (half_turns != half_turns_) status_ |= kTimerEvent;
  half_turns_ = half_turns;
}

void AcpiPower::read(uint64_t offset, MutableByteView out) {
  catch_up();
  std::array<uint8_t, kPortCount> block{};
  store_le<uint16_t>(block, kStatus, status_);
  store_le<uint16_t>(block, kEnable, enable_);
  store_le<uint16_t>(block, kControl, control_);
  store_le<uint32_t>(block, kTimer, static_cast<uint32_t>(ticks()));
  std::fill(out.begin(), out.end(), uint8_t{0});
  for (size_t i = 0; i < out.size() && offset + i < block.size(); ++i) out[i] = block[offset + i];
}

void AcpiPower::write(uint64_t offset, ByteView bytes) {
  catch_up();
  for (uint8_t byte : bytes) write_register(offset++, byte);
  update();
}

void AcpiPower::write_register(uint64_t offset, uint8_t value) {
  switch (offset) {
    case kStatus: status_ &= ~value; return;  // write 1 to clear
    case kStatus + 1: status_ &= ~(value << 8); return;
    case kEnable: enable_ = ((enable_ & 0xff00) | value) & kEnableWritable; return;
    case kEnable + 1: enable_ = ((enable_ & 0x00ff) | value << 8) & kEnableWritable; return;
    case kControl:
      control_ = static_cast<uint16_t>((control_ & kSleepType) | (value & kBusMasterReload) | kSciEnable);
      return;
    case kControl + 1: return write_control_high(value);
    default: return;  // the timer is read-only
  }
}

void AcpiPower::write_control_high(uint8_t value) {
  control_ = static_cast<uint16_t>((control_ & 0xff) | (value << 8 & kSleepType));
  // Only S5 exists: entering any other sleeping state does nothing.
  if ((value & kSleepEnableHigh) != 0 && (value >> kSleepTypeHighShift & 7) == sleep_type_s5_) on_poweroff_();
}

void AcpiPower::update() {
  sci_.set_level((status_ & enable_) != 0);
  timer_->disarm();
  bool waiting = (enable_ & kTimerEvent) != 0 && (status_ & kTimerEvent) == 0;
  if (waiting) timer_->arm(origin_ns_ + ns_of_ticks((half_turns_ + 1) << kHalfTurnShift, kPmTimerHz));
}

}  // namespace cumulet::hypervisor
