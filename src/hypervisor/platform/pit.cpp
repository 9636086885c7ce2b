// The 8254's three counters behind their ports, and IRQ 0.
#include "hypervisor/platform/pit.h"

#include <algorithm>

#include "hypervisor/device/ticks.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kControlOffset = 3;
constexpr uint64_t kRefreshHz = 66'288;  // memory refresh requests toggled port 61h bit 4 every 15.085 us
// Port 61h
constexpr uint8_t kGate2 = 1 << 0, kSpeaker = 1 << 1, kRefresh = 1 << 4, kOutput2 = 1 << 5;
}  // namespace

Pit::Pit(TimerService& timers, InterruptLine& irq0)
    : timers_(timers),
      irq0_(irq0),
      counter_window_([this](uint64_t offset) { return read_register(offset); },
                      [this](uint64_t offset, uint8_t value) { write_register(offset, value); }),
      system_control_window_([this](uint64_t) { return read_system_control(); },
                             [this](uint64_t, uint8_t value) { write_system_control(value); }),
      timer_(timers.create([this] {
        schedule(now_ns() + kMinimumPeriodNs);
        irq0_.pulse();
      })) {
  reset();
}

void Pit::reset() {
  for (PitChannel& channel : channels_) channel.reset();
  channels_[2].set_gate(false, now_ns());
  speaker_ = false;
  schedule();
}

Result<void> Pit::claim(Bus& ports, uint16_t counter_port, uint16_t system_control_port) {
  TRY_VOID(ports.insert(counter_port, 4, counter_window_));
  return ports.insert(system_control_port, 1, system_control_window_);
}

void Pit::set_irq_connected(bool connected) {
  connected_ = connected;
  schedule();
}

uint8_t Pit::read_register(uint64_t offset) {
  if (offset >= channels_.size()) return 0xff;  // the control word is write-only
  return channels_[offset].read_count(now_ns());
}

void Pit::write_register(uint64_t offset, uint8_t value) {
  if (offset == kControlOffset) return write_control(value);
  channels_[offset].write_count(value, now_ns());
  if (offset == 0) schedule();
}

void Pit::write_control(uint8_t value) {
  uint8_t select = value >> 6, access = value >> 4 & 3;
  if (select == 3) {  // read-back command: bits 5 and 4 are active low
    for (size_t i = 0; i < channels_.size(); ++i) {
      if ((value >> (i + 1) & 1) == 0) continue;
      if ((value & 1 << 5) == 0) channels_[i].latch_count(now_ns());
      if ((value & 1 << 4) == 0) channels_[i].latch_status(now_ns());
    }
    return;
  }
  if (access == 0) return channels_[select].latch_count(now_ns());
  channels_[select].write_control(access, value >> 1 & 7, (value & 1) != 0);
  if (select == 0) schedule();
}

uint8_t Pit::read_system_control() const {
  uint8_t value = 0;
  if (channels_[2].gate()) value |= kGate2;
  if (speaker_) value |= kSpeaker;
  if (ticks_of_ns(now_ns(), kRefreshHz) % 2 != 0) value |= kRefresh;
  if (channels_[2].output(now_ns())) value |= kOutput2;
  return value;
}

void Pit::write_system_control(uint8_t value) {
  speaker_ = (value & kSpeaker) != 0;
  channels_[2].set_gate((value & kGate2) != 0, now_ns());
}

void Pit::schedule(uint64_t not_before_ns) {
  timer_->disarm();
  if (!connected_) return;
  if (auto rise_ns = channels_[0].next_rise_ns(now_ns())) timer_->arm(std::max(*rise_ns, not_before_ns));
}

}  // namespace cumulet::hypervisor
