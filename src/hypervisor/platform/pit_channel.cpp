// One counter of the 8254: count and output computed from the time since it was loaded.
#include <utility>

#include "hypervisor/device/ticks.h"
#include "hypervisor/platform/pit.h"

namespace cumulet::hypervisor {

namespace {

uint32_t from_bcd(uint16_t value) {
  uint32_t result = 0;
  for (int shift = 12; shift >= 0; shift -= 4) result = result * 10 + (value >> shift & 0xf);
  return result % 10'000;  // digits above 9 are the guest's mistake
}

uint16_t to_bcd(uint32_t value) {
  uint32_t result = 0;
  for (int shift = 0; shift < 16; shift += 4, value /= 10) result |= value % 10 << shift;
  return static_cast<uint16_t>(result);
}

}  // namespace

void PitChannel::reset() {
  bool gate = gate_;
  *this = PitChannel();
  gate_ = gate;
}

bool PitChannel::hardware_triggered() const { return mode_ == 1 || mode_ == 5; }

void PitChannel::write_control(uint8_t access, uint8_t mode, bool bcd) {
  access_ = access;
  mode_ = mode > 5 ? mode - 4 : mode;
  bcd_ = bcd;
  write_high_next_ = read_high_next_ = false;
  counting_ = false;
  triggered_ = !hardware_triggered();
  frozen_ticks_ = 0;
  latched_count_.reset();
  latched_status_.reset();
}

void PitChannel::write_count(uint8_t value, uint64_t now_ns) {
  if (access_ == 1) return load(value, now_ns);
  if (access_ == 2) return load(static_cast<uint16_t>(value << 8), now_ns);
  if (!write_high_next_) {
    written_low_ = value;
    write_high_next_ = true;
    return;
  }
  write_high_next_ = false;
  load(static_cast<uint16_t>(value << 8 | written_low_), now_ns);
}

void PitChannel::load(uint16_t value, uint64_t now_ns) {
  reload_ = bcd_ ? from_bcd(value) : value;
  counting_ = true;
  // Modes 1 and 5 take the new count at their next trigger; we do not finish the running cycle of modes 2
  // and 3.
  if (hardware_triggered()) return;
  started_ns_ = now_ns;
  frozen_ticks_ = 0;
}

void PitChannel::set_gate(bool high, uint64_t now_ns) {
  if (high == gate_) return;
  if (!high && !hardware_triggered()) frozen_ticks_ = elapsed_ticks(now_ns);
  gate_ = high;
  if (!high) return;
  if (hardware_triggered()) {
    triggered_ = true;
    started_ns_ = now_ns;
  } else if (mode_ == 2 || mode_ == 3) {
    started_ns_ = now_ns;  // a rising gate reloads (mode definitions of the datasheet)
  } else {
    started_ns_ = now_ns - ns_of_ticks(frozen_ticks_, kPitHz);
  }
}

uint64_t PitChannel::elapsed_ticks(uint64_t now_ns) const {
  if (!counting_ || !triggered_) return 0;
  if (!gate_ && !hardware_triggered()) return frozen_ticks_;
  return ticks_of_ns(now_ns - started_ns_, kPitHz);
}

bool PitChannel::output(uint64_t now_ns) const {
  uint64_t ticks = elapsed_ticks(now_ns);
  bool running = counting_ && triggered_;
  switch (mode_) {
    case 0: return running && ticks >= period();
    case 1: return !running || ticks >= period();
    case 2: return !running || !gate_ || ticks % period() != period() - 1;
    case 3: return !running || !gate_ || ticks % period() < (period() + 1) / 2;
    default: return !running || ticks != period();
  }
}

std::optional<uint64_t> PitChannel::next_rise_ns(uint64_t now_ns) const {
  if (!counting_ || !triggered_ || (!gate_ && !hardware_triggered())) return std::nullopt;
  uint64_t ticks = elapsed_ticks(now_ns);
  uint64_t rise = period();
  if (mode_ == 2 || mode_ == 3) {
    rise = (ticks / period() + 1) * period();
  } else if (mode_ >= 4) {
    rise = uint64_t{period()} + 1;  // the strobe is low for one tick
  }
  if (rise <= ticks) return std::nullopt;
  return started_ns_ + ns_of_ticks(rise, kPitHz);
}

uint16_t PitChannel::count(uint64_t now_ns) const {
  uint64_t ticks = elapsed_ticks(now_ns);
  uint64_t modulus = bcd_ ? 10'000 : 0x1'0000;
  uint64_t value = 0;
  switch (mode_) {
    case 2: value = period() - ticks % period(); break;
    case 3: value = period() - 2 * ticks % period(); break;  // counts by two, twice in a period
    default: value = period() + modulus - ticks % modulus;   // goes on below 0
  }
  value %= modulus;
  return bcd_ ? to_bcd(static_cast<uint32_t>(value)) : static_cast<uint16_t>(value);
}

void PitChannel::latch_count(uint64_t now_ns) {
  if (latched_count_) return;
  latched_count_ = count(now_ns);
  read_high_next_ = false;
}

void PitChannel::latch_status(uint64_t now_ns) {
  if (latched_status_) return;
  constexpr uint8_t kOutput = 1 << 7, kNullCount = 1 << 6;
  uint32_t status = uint32_t{access_} << 4 | uint32_t{mode_} << 1 | uint32_t{bcd_};
  if (output(now_ns)) status |= kOutput;
  if (!counting_) status |= kNullCount;
  latched_status_ = static_cast<uint8_t>(status);
}

uint8_t PitChannel::read_count(uint64_t now_ns) {
  if (latched_status_) return *std::exchange(latched_status_, std::nullopt);
  uint16_t value = latched_count_.value_or(count(now_ns));
  bool high = access_ == 2 || (access_ == 3 && read_high_next_);
  if (access_ == 3) read_high_next_ = !read_high_next_;
  if (access_ != 3 || high) latched_count_.reset();
  return static_cast<uint8_t>(high ? value >> 8 : value);
}

}  // namespace cumulet::hypervisor
