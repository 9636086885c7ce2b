// How the guest reaches the local APIC: the xAPIC register page and the x2APIC MSRs.
#include <algorithm>

#include "hypervisor/interrupt/local_apic.h"
#include "hypervisor/interrupt/register_slots.h"

namespace cumulet::hypervisor {

using apic::Lvt;

namespace {
constexpr std::array<uint32_t, apic::kLvtCount> kLvtWritable = {
    apic::kLvtVector | apic::kLvtMasked | apic::kLvtTimerMode,
    apic::kLvtVector | apic::kLvtMasked | apic::kLvtMode,
    apic::kLvtVector | apic::kLvtMasked | apic::kLvtMode,
    apic::kLvtVector | apic::kLvtMasked | apic::kLvtMode | apic::kLvtPolarity | apic::kLvtLevel,
    apic::kLvtVector | apic::kLvtMasked | apic::kLvtMode | apic::kLvtPolarity | apic::kLvtLevel,
    apic::kLvtVector | apic::kLvtMasked,
};
}  // namespace

std::optional<uint64_t> LocalApic::register_page() const {
  if (!globally_enabled() || x2apic()) return std::nullopt;
  return base_ & apic::kBaseAddress;
}

void LocalApic::read(uint64_t offset, MutableByteView out) {
  if (!register_page()) {
    std::fill(out.begin(), out.end(), uint8_t{0xff});
    return;
  }
  read_register_slots(offset, out, [this](uint32_t index) {
    if (index == apic::kEndOfInterrupt) return uint32_t{0};
    if (index == apic::kDestinationFormat) return destination_format_;
    if (index == apic::kArbitrationPriority) return uint32_t{0};
    if (index == apic::kCommandHigh) return command_high_;
    std::optional<uint32_t> value = read_register(index);
    if (!value) raise_error(apic::kErrorRegister);
    return value.value_or(0);
  });
}

void LocalApic::write(uint64_t offset, ByteView bytes) {
  // Only aligned 32-bit accesses are architectural (10.4.1).
  if (!register_page() || offset % kRegisterSlotSize != 0 || bytes.size() < 4) return;
  auto value = load_le<uint32_t>(bytes);
  switch (auto index = static_cast<uint32_t>(offset / kRegisterSlotSize)) {
    case apic::kLogicalDestination: logical_destination_ = value & 0xff00'0000; return;
    case apic::kDestinationFormat: destination_format_ = value | 0x0fff'ffff; return;
    case apic::kCommandHigh: command_high_ = value & 0xff00'0000; return;
    case apic::kCommandLow: {
      uint32_t destination = command_high_ >> 24;
      return write_command(value, destination == 0xff ? kBroadcast : destination);
    }
    default:
      if (!write_register(index, value)) raise_error(apic::kErrorRegister);
  }
}

std::optional<uint32_t> LocalApic::read_register(uint32_t index) const {
  if (index >= apic::kInService && index < apic::kTriggerMode)
    return in_service_.word(index - apic::kInService);
  if (index >= apic::kTriggerMode && index < apic::kRequested) return level_.word(index - apic::kTriggerMode);
  if (index >= apic::kRequested && index < apic::kErrorStatus)
    return requested_.word(index - apic::kRequested);
  if (index >= apic::kLvtTimer && index <= apic::kLvtError) return lvt_[index - apic::kLvtTimer];
  switch (index) {
    case apic::kId: return x2apic() ? config_.id : config_.id << 24;
    case apic::kVersion: return apic::kVersionValue;
    case apic::kTaskPriority: return task_priority_.load(std::memory_order_relaxed);
    case apic::kProcessorPriority: return processor_priority();
    case apic::kLogicalDestination: return logical_id();
    case apic::kSpurious: return spurious_;
    case apic::kErrorStatus: return error_status_;
    case apic::kCommandLow: return command_low_;
    case apic::kInitialCount: return timer_.initial_count();
    case apic::kCurrentCount: return timer_.current_count();
    case apic::kDivideConfiguration: return timer_.divide_configuration();
    default: return std::nullopt;
  }
}

bool LocalApic::write_register(uint32_t index, uint32_t value) {
  if (index >= apic::kLvtTimer && index <= apic::kLvtError) {
    write_lvt(static_cast<Lvt>(index - apic::kLvtTimer), value);
    return true;
  }
  switch (index) {
    case apic::kTaskPriority: set_task_priority(static_cast<uint8_t>(value)); return true;
    case apic::kEndOfInterrupt: end_of_interrupt(); return true;
    case apic::kSpurious: write_spurious(value); return true;
    case apic::kErrorStatus:  // any write shows what was collected since the last one (10.5.3)
      error_status_ = errors_seen_;
      errors_seen_ = 0;
      return true;
    case apic::kInitialCount: timer_.set_initial_count(value); return true;
    case apic::kDivideConfiguration: timer_.set_divide_configuration(value); return true;
    default: return false;
  }
}

void LocalApic::write_lvt(Lvt entry, uint32_t value) {
  auto index = static_cast<size_t>(entry);
  value &= kLvtWritable[index];
  if (!software_enabled()) value |= apic::kLvtMasked;  // 10.4.7.2
  if (entry == Lvt::kTimer) {
    auto mode = static_cast<apic::TimerMode>((value & apic::kLvtTimerMode) >> 17);
    bool deadline = mode == apic::TimerMode::kTscDeadline;
    if (mode == apic::TimerMode::kReserved || (deadline && !timer_.has_tsc_deadline())) {
      mode = apic::TimerMode::kOneShot;
      value &= ~apic::kLvtTimerMode;
    }
    timer_.configure(mode, (value & apic::kLvtMasked) == 0);
  }
  lvt_[index] = value;
  if (entry == Lvt::kLint0) update();
}

void LocalApic::write_spurious(uint32_t value) {
  spurious_ = value & apic::kSpuriousWritable;
  if (software_enabled()) return;
  for (size_t i = 0; i < apic::kLvtCount; ++i) write_lvt(static_cast<Lvt>(i), lvt_[i]);
}

void LocalApic::write_command(uint32_t low, uint32_t destination) {
  command_low_ = low & apic::kCommandWritable;
  InterruptMessage message;
  message.destination = destination;
  message.logical = (low & apic::kCommandLogical) != 0;
  message.mode = static_cast<DeliveryMode>(low >> apic::kCommandModeShift & 7);
  message.vector = static_cast<uint8_t>(low);
  auto shorthand = static_cast<apic::Shorthand>(low >> apic::kCommandShorthandShift & 3);

  bool fixed = message.mode == DeliveryMode::kFixed || message.mode == DeliveryMode::kLowestPriority;
  if (fixed && message.vector < apic::kFirstLegalVector) return raise_error(apic::kErrorSendVector);
  if (!fixed && message.mode != DeliveryMode::kNmi && message.mode != DeliveryMode::kInit &&
      message.mode != DeliveryMode::kStartup)
    return;  // not sent by software (10.6.1)
  // INIT level de-assert only matters to processors older than the Pentium 4 (10.6.1).
  if (message.mode == DeliveryMode::kInit && (low & apic::kCommandLevel) != 0 &&
      (low & apic::kCommandAssert) == 0)
    return;

  bool to_self = shorthand == apic::Shorthand::kSelf || shorthand == apic::Shorthand::kAll;
  if (to_self && (message.mode == DeliveryMode::kInit || message.mode == DeliveryMode::kStartup)) return;
  if (shorthand == apic::Shorthand::kSelf) return accept(message);
  if (shorthand != apic::Shorthand::kNone) message.destination = kBroadcast;
  bus_.deliver(message, this, shorthand == apic::Shorthand::kAllButSelf);
}

bool LocalApic::owns_msr(uint32_t index) {
  return index == apic::kMsrBase || index == apic::kMsrTscDeadline ||
         (index >= apic::kMsrFirst && index <= apic::kMsrLast);
}

std::optional<uint64_t> LocalApic::read_msr(uint32_t index) {
  if (index == apic::kMsrBase) return base_;
  if (index == apic::kMsrTscDeadline) {
    if (!timer_.has_tsc_deadline()) return std::nullopt;
    return timer_.tsc_deadline();
  }
  if (!x2apic()) return std::nullopt;
  uint32_t register_index = index - apic::kMsrFirst;
  if (register_index == apic::kCommandLow) return uint64_t{command_high_} << 32 | command_low_;
  return read_register(register_index);
}

bool LocalApic::write_msr(uint32_t index, uint64_t value) {
  if (index == apic::kMsrBase) return write_base(value);
  if (index == apic::kMsrTscDeadline) {
    if (!timer_.has_tsc_deadline()) return false;
    timer_.set_tsc_deadline(value);
    return true;
  }
  return x2apic() && write_x2apic(index - apic::kMsrFirst, value);
}

bool LocalApic::write_x2apic(uint32_t index, uint64_t value) {
  auto low = static_cast<uint32_t>(value);
  if (index == apic::kCommandLow) {
    command_high_ = static_cast<uint32_t>(value >> 32);
    write_command(low, command_high_);
    return true;
  }
  if (value >> 32 != 0) return false;
  bool zero_only = index == apic::kEndOfInterrupt || index == apic::kErrorStatus;
  bool byte_only = index == apic::kTaskPriority || index == apic::kSelfIpi;
  if ((zero_only && low != 0) || (byte_only && low > 0xff)) return false;
  if (index == apic::kSelfIpi) {
    constexpr uint32_t kSelf = static_cast<uint32_t>(apic::Shorthand::kSelf) << apic::kCommandShorthandShift;
    uint32_t command = command_low_;
    write_command(kSelf | low, 0);
    command_low_ = command;  // the ICR does not show it (10.12.11)
    return true;
  }
  return write_register(index, low);
}

bool LocalApic::write_base(uint64_t value) {
  constexpr uint64_t kWritable =
      apic::kBaseBootstrap | apic::kBaseExtended | apic::kBaseEnable | apic::kBaseAddress;
  bool enable = (value & apic::kBaseEnable) != 0, extended = (value & apic::kBaseExtended) != 0;
  if ((value & ~kWritable) != 0 || (extended && !enable)) return false;
  // Legal changes of mode (figure 10-27): x2APIC is entered from xAPIC only, and left by disabling only.
  if (extended && !globally_enabled()) return false;
  if (enable && !extended && x2apic()) return false;
  bool changed = ((value ^ base_) & (apic::kBaseEnable | apic::kBaseExtended)) != 0;
  base_ = value;
  if (!enable && changed) {
    init_reset();
  } else {
    update();
  }
  return true;
}

}  // namespace cumulet::hypervisor
