// The HPET's counter and comparators as functions of time; only matches that interrupt wake the host.
#include "hypervisor/platform/hpet.h"

#include <algorithm>
#include <utility>

#include "hypervisor/device/ticks.h"

namespace cumulet::hypervisor {

Hpet::Hpet(TimerService& timers, Lines lines, std::function<void(bool active)> on_legacy_replacement)
    : timers_(timers), lines_(lines), on_legacy_replacement_(std::move(on_legacy_replacement)) {
  for (size_t i = 0; i < comparators_.size(); ++i)
    comparators_[i].timer = timers.create([this, i] { expired(i); });
  reset();
}

void Hpet::reset() {
  bool was_legacy = legacy();
  configuration_ = status_ = counter_base_ = 0;
  for (size_t i = 0; i < comparators_.size(); ++i) {
    Comparator& comparator = comparators_[i];
    comparator.timer->disarm();
    comparator.configuration = 0;
    comparator.value = ~uint64_t{0};
    comparator.period = 0;
    comparator.set_value = comparator.set_value_high = false;
    update_line(i);
  }
  if (was_legacy) on_legacy_replacement_(false);
}

uint64_t Hpet::counter() const {
  return enabled() ? counter_base_ + (now_ns() - started_ns_) / hpet::kTickNs : counter_base_;
}

void Hpet::read(uint64_t offset, MutableByteView out) {
  size_t done = 0;
  while (done < out.size()) {
    uint64_t value = read_register((offset + done) & ~uint64_t{7});
    for (uint64_t into = (offset + done) % 8; into < 8 && done < out.size(); ++into, ++done)
      out[done] = static_cast<uint8_t>(value >> (8 * into));
  }
}

void Hpet::write(uint64_t offset, ByteView bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    uint64_t start = (offset + done) & ~uint64_t{7}, value = 0, mask = 0;
    for (uint64_t into = (offset + done) % 8; into < 8 && done < bytes.size(); ++into, ++done) {
      value |= uint64_t{bytes[done]} << (8 * into);
      mask |= uint64_t{0xff} << (8 * into);
    }
    write_register(start, value, mask);
  }
}

uint64_t Hpet::read_register(uint64_t offset) const {
  if (offset == hpet::kCapabilities) return hpet::kCapabilitiesValue;
  if (offset == hpet::kConfiguration) return configuration_;
  if (offset == hpet::kInterruptStatus) return status_;
  if (offset == hpet::kMainCounter) return counter();
  uint64_t index = (offset - hpet::kComparators) / hpet::kComparatorStride;
  if (offset < hpet::kComparators || index >= comparators_.size()) return 0;
  const Comparator& comparator = comparators_[index];
  switch ((offset - hpet::kComparators) % hpet::kComparatorStride) {
    case hpet::kComparatorConfiguration:
      return comparator.configuration | hpet::kRouteCapability | hpet::k64BitCapable |
             (index == 0 ? hpet::kPeriodicCapable : 0);
    case hpet::kComparatorValue: return next_match(comparator, false);
    default: return 0;  // no message-signalled interrupts
  }
}

void Hpet::write_register(uint64_t offset, uint64_t value, uint64_t mask) {
  auto merge = [&](uint64_t old) { return (old & ~mask) | (value & mask); };
  if (offset == hpet::kConfiguration) return write_configuration(merge(configuration_));
  if (offset == hpet::kInterruptStatus) return write_status(value & mask);
  if (offset == hpet::kMainCounter) return write_counter(merge(counter()));
  uint64_t index = (offset - hpet::kComparators) / hpet::kComparatorStride;
  if (offset < hpet::kComparators || index >= comparators_.size()) return;
  switch ((offset - hpet::kComparators) % hpet::kComparatorStride) {
    case hpet::kComparatorConfiguration:
      return write_comparator_configuration(index, merge(comparators_[index].configuration));
    case hpet::kComparatorValue: return write_comparator_value(index, value, mask);
    default: return;
  }
}

void Hpet::write_configuration(uint64_t value) {
  bool was_enabled = enabled(), was_legacy = legacy();
  counter_base_ = counter();
  started_ns_ = now_ns();
  configuration_ = value & (hpet::kEnable | hpet::kLegacyReplacement);
  if (was_legacy != legacy()) on_legacy_replacement_(legacy());
  if (was_enabled == enabled() && was_legacy == legacy()) return schedule_all();
  for (size_t i = 0; i < comparators_.size(); ++i) update_line(i);
  schedule_all();
}

void Hpet::write_status(uint64_t value) {
  status_ &= ~value;
  for (size_t i = 0; i < comparators_.size(); ++i) update_line(i);
}

void Hpet::write_counter(uint64_t value) {
  counter_base_ = value;
  started_ns_ = now_ns();
  schedule_all();
}

void Hpet::write_comparator_configuration(size_t index, uint64_t value) {
  Comparator& comparator = comparators_[index];
  comparator.configuration =
      value & hpet::kComparatorWritable & ~(index == 0 ? uint64_t{0} : hpet::kPeriodic);
  comparator.set_value = (value & hpet::kSetValue) != 0;
  if ((comparator.configuration & hpet::kLevelTriggered) == 0) status_ &= ~(uint64_t{1} << index);
  update_line(index);
  schedule(index);
}

void Hpet::write_comparator_value(size_t index, uint64_t value, uint64_t mask) {
  constexpr uint64_t kLowHalf = 0xffff'ffff;
  Comparator& comparator = comparators_[index];
  if ((comparator.configuration & hpet::k32BitMode) != 0) {
    value &= kLowHalf;
    mask |= ~kLowHalf;
  }
  bool low = (mask & kLowHalf) != 0;
  bool set_value = low ? comparator.set_value : comparator.set_value_high;
  comparator.set_value_high = low && set_value;
  if (low) comparator.set_value = false;

  bool periodic = (comparator.configuration & hpet::kPeriodic) != 0;
  if (!periodic || set_value) comparator.value = (comparator.value & ~mask) | (value & mask);
  if (periodic) comparator.period = (comparator.period & ~mask) | (value & mask);
  schedule(index);
}

InterruptLine* Hpet::route(size_t index) const {
  if (legacy() && index == 0) return lines_.irq0;
  if (legacy() && index == 1) return lines_.irq8;
  uint64_t pin = (comparators_[index].configuration & hpet::kRouteMask) >> hpet::kRouteShift;
  return (hpet::kRouteCapability >> 32 >> pin & 1) != 0 ? lines_.gsi[pin] : nullptr;
}

uint64_t Hpet::ticks_until_match(const Comparator& comparator) const {
  uint64_t distance = comparator.value - counter();
  return (comparator.configuration & hpet::k32BitMode) != 0 ? distance & 0xffff'ffff : distance;
}

uint64_t Hpet::next_match(const Comparator& comparator, bool present_one_served) const {
  if ((comparator.configuration & hpet::kPeriodic) == 0 || comparator.period == 0) return comparator.value;
  bool narrow = (comparator.configuration & hpet::k32BitMode) != 0;
  uint64_t behind = counter() - comparator.value;
  if (narrow) behind &= 0xffff'ffff;
  bool passed = narrow ? behind < 0x8000'0000 : behind < uint64_t{1} << 63;
  if (!passed || (behind == 0 && !present_one_served)) return comparator.value;
  uint64_t value = comparator.value + (behind / comparator.period + 1) * comparator.period;
  return narrow ? value & 0xffff'ffff : value;
}

void Hpet::schedule(size_t index, bool just_fired) {
  Comparator& comparator = comparators_[index];
  comparator.timer->disarm();
  if (!enabled() || (comparator.configuration & hpet::kInterruptEnable) == 0) return;
  comparator.value = next_match(comparator, just_fired);
  uint64_t ticks = ticks_until_match(comparator);
  if (just_fired && ticks == 0) {  // this very match was served: the next is a whole turn of the counter away
    if ((comparator.configuration & hpet::k32BitMode) == 0) return;
    ticks = uint64_t{1} << 32;
  }
  constexpr uint64_t kFarAway = uint64_t{1} << 56;  // years: a comparator the counter has passed
  if (ticks >= kFarAway) return;
  uint64_t due_ns = started_ns_ + (counter() - counter_base_ + ticks) * hpet::kTickNs;
  comparator.timer->arm(just_fired ? std::max(due_ns, now_ns() + kMinimumPeriodNs) : due_ns);
}

void Hpet::schedule_all() {
  for (size_t i = 0; i < comparators_.size(); ++i) schedule(i);
}

void Hpet::expired(size_t index) {
  Comparator& comparator = comparators_[index];
  schedule(index, true);
  if ((comparator.configuration & hpet::kLevelTriggered) != 0) {
    status_ |= uint64_t{1} << index;
    update_line(index);
  } else if (InterruptLine* line = route(index)) {
    line->pulse();
  }
}

void Hpet::update_line(size_t index) {
  Comparator& comparator = comparators_[index];
  constexpr uint64_t kLevelInterrupt = hpet::kLevelTriggered | hpet::kInterruptEnable;
  bool high = (status_ >> index & 1) != 0 && (comparator.configuration & kLevelInterrupt) == kLevelInterrupt;
  InterruptLine* wanted = high ? route(index) : nullptr;
  if (wanted == comparator.raised) return;
  if (comparator.raised != nullptr) comparator.raised->set_level(false);
  comparator.raised = wanted;
  if (wanted != nullptr) wanted->set_level(true);
}

}  // namespace cumulet::hypervisor
