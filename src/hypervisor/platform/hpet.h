// Hpet: the high precision event timer, with three comparators (IA-PC HPET specification 1.0a).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>

#include "hypervisor/device/device.h"
#include "hypervisor/device/timer.h"
#include "hypervisor/platform/hpet_registers.h"

namespace cumulet::hypervisor {

// Comparator 0 can be periodic. No message-signalled (FSB) interrupts.
// Not thread-safe: used under the machine's device lock.
class Hpet final : public IoHandler, public Device {
 public:
  static constexpr uint64_t kWindowSize = 0x400;

  struct Lines {
    InterruptLine* irq0;                                // legacy replacement: comparator 0
    InterruptLine* irq8;                                // legacy replacement: comparator 1
    std::array<InterruptLine*, hpet::kRouteCount> gsi;  // by IO-APIC pin
  };
  // `on_legacy_replacement` is told when comparators 0 and 1 take over IRQ 0 and 8 from PIT and RTC, and when
  // not.
  Hpet(TimerService& timers, Lines lines, std::function<void(bool active)> on_legacy_replacement);

  [[nodiscard]] std::string_view name() const override { return "hpet"; }
  void reset() override;
  void read(uint64_t offset, MutableByteView out) override;
  void write(uint64_t offset, ByteView bytes) override;

 private:
  struct Comparator {
    uint64_t configuration = 0;
    uint64_t value = 0;   // the main counter's value that fires next
    uint64_t period = 0;  // ticks; periodic mode
    // Tn_VAL_SET_CNF: the next write of a periodic comparator sets `value` too. The second flag carries it
    // over to the high half when the guest writes 32 bits at a time.
    bool set_value = false, set_value_high = false;
    InterruptLine* raised = nullptr;  // the line this comparator holds high
    std::unique_ptr<Timer> timer;
  };

  [[nodiscard]] uint64_t now_ns() const { return timers_.clock().monotonic_ns(); }
  [[nodiscard]] bool enabled() const { return (configuration_ & hpet::kEnable) != 0; }
  [[nodiscard]] bool legacy() const { return (configuration_ & hpet::kLegacyReplacement) != 0; }
  [[nodiscard]] uint64_t counter() const;
  [[nodiscard]] uint64_t read_register(uint64_t offset) const;
  void write_register(uint64_t offset, uint64_t value, uint64_t mask);
  void write_configuration(uint64_t value);
  void write_status(uint64_t value);
  void write_counter(uint64_t value);
  void write_comparator_configuration(size_t index, uint64_t value);
  void write_comparator_value(size_t index, uint64_t value, uint64_t mask);
  [[nodiscard]] InterruptLine* route(size_t index) const;
  [[nodiscard]] uint64_t ticks_until_match(const Comparator& comparator) const;
  // Where the counter matches next: periods that passed unserved are merged into one.
  [[nodiscard]] uint64_t next_match(const Comparator& comparator, bool present_one_served) const;
  void schedule(size_t index, bool just_fired = false);
  void schedule_all();
  void expired(size_t index);
  void update_line(size_t index);

  TimerService& timers_;
  Lines lines_;
  std::function<void(bool)> on_legacy_replacement_;
  uint64_t configuration_ = 0, status_ = 0;
  uint64_t counter_base_ = 0;  // the counter's value at started_ns_, or now when halted
  uint64_t started_ns_ = 0;
  std::array<Comparator, hpet::kComparatorCount> comparators_;
};

}  // namespace cumulet::hypervisor
