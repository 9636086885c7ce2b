// The local APIC's core: what is requested, in service and deliverable; local sources and messages.
#include "hypervisor/interrupt/local_apic.h"

#include <utility>

namespace cumulet::hypervisor {

using apic::Lvt;

LocalApic::LocalApic(LocalApicConfig config, LocalApicEvents events, ApicBus& bus, TimerService& timers)
    : config_(std::move(config)),
      events_(std::move(events)),
      bus_(bus),
      timer_(timers, config_.tsc_khz, config_.read_tsc, [this] { deliver_local(Lvt::kTimer); }) {
  reset();
  bus_.attach(*this);
}

LocalApic::~LocalApic() = default;

void LocalApic::reset() {
  base_ = apic::kBaseDefault | apic::kBaseEnable | (config_.bootstrap ? apic::kBaseBootstrap : 0);
  init_reset();
}

void LocalApic::init_reset() {
  requested_ = in_service_ = level_ = {};
  lvt_.fill(apic::kLvtMasked);
  spurious_ = 0xff;
  logical_destination_ = 0;
  destination_format_ = 0xffff'ffff;
  command_low_ = command_high_ = 0;
  error_status_ = errors_seen_ = 0;
  external_latched_ = false;
  task_priority_.store(0, std::memory_order_release);
  timer_.reset();
  update();
}

void LocalApic::enter_virtual_wire_mode() {
  constexpr uint32_t kModeExternal = 7 << apic::kLvtModeShift, kModeNmi = 4 << apic::kLvtModeShift;
  write_spurious(apic::kSpuriousEnable | 0xff);
  write_lvt(Lvt::kLint0, kModeExternal);
  write_lvt(Lvt::kLint1, kModeNmi);
}

std::optional<uint8_t> LocalApic::highest_pending() const {
  uint16_t deliverable = deliverable_.load(std::memory_order_acquire);
  if (deliverable == kNothing || deliverable == kExternalVector) return std::nullopt;
  return static_cast<uint8_t>(deliverable);
}

std::optional<uint8_t> LocalApic::acknowledge() {
  uint16_t deliverable = deliverable_.load(std::memory_order_relaxed);
  if (deliverable == kNothing) return std::nullopt;
  if (deliverable == kExternalVector) {
    // The 8259A names the vector and keeps what is in service; the APIC's ISR is not touched (10.6.1,
    // ExtINT).
    external_latched_ = false;
    uint8_t vector = acknowledge_external_();
    update();
    return vector;
  }
  auto vector = static_cast<uint8_t>(deliverable);
  requested_.clear(vector);
  in_service_.set(vector);
  update();
  return vector;
}

void LocalApic::set_cr8(uint64_t value) {
  // Every run of the vCPU mirrors CR8; only a change may touch the low half of TPR, which CR8 does not hold.
  if ((value & 0xf) != cr8()) set_task_priority(static_cast<uint8_t>((value & 0xf) << 4));
}

void LocalApic::set_task_priority(uint8_t value) {
  task_priority_.store(value, std::memory_order_release);
  update();
}

uint8_t LocalApic::processor_priority() const {
  // The higher class of TPR and the highest interrupt in service (10.8.3.1).
  uint8_t task = task_priority_.load(std::memory_order_relaxed);
  int highest = in_service_.highest();
  uint8_t serving = highest < 0 ? 0 : static_cast<uint8_t>(highest & 0xf0);
  return (task & 0xf0) >= serving ? task : serving;
}

bool LocalApic::accepts_fixed() const { return globally_enabled() && software_enabled(); }

uint32_t LocalApic::logical_id() const {
  if (x2apic()) return (config_.id >> 4) << 16 | 1U << (config_.id & 0xf);  // 10.12.10.2
  return logical_destination_;
}

bool LocalApic::matches(const InterruptMessage& message) const {
  if (!globally_enabled()) return false;
  uint32_t destination = message.destination;
  if (destination == kBroadcast) return true;
  if (!message.logical) return destination == config_.id;
  uint32_t mine = logical_id();
  if (x2apic()) return destination >> 16 == mine >> 16 && (destination & mine & 0xffff) != 0;
  if (destination > 0xff) return false;
  mine >>= 24;
  if (destination_format_ >> 28 == 0xf) return (destination & mine) != 0;  // flat model (10.6.2.2)
  if (destination_format_ >> 28 != 0) return false;
  return destination == 0xff || (destination >> 4 == mine >> 4 && (destination & mine & 0xf) != 0);
}

void LocalApic::accept(const InterruptMessage& message) {
  switch (message.mode) {
    case DeliveryMode::kFixed:
    case DeliveryMode::kLowestPriority: return accept_fixed(message.vector, message.level_triggered);
    case DeliveryMode::kNmi:
      if (events_.on_nmi) events_.on_nmi();
      return;
    case DeliveryMode::kInit:
      init_reset();
      if (events_.on_init) events_.on_init();
      return;
    case DeliveryMode::kStartup:
      if (events_.on_startup) events_.on_startup(message.vector);
      return;
    case DeliveryMode::kExternal: external_latched_ = true; return update();
    case DeliveryMode::kSmi: return;  // there is no system management mode to enter
  }
}

void LocalApic::accept_fixed(uint8_t vector, bool level_triggered) {
  if (!accepts_fixed()) return;
  if (vector < apic::kFirstLegalVector) return raise_error(apic::kErrorReceiveVector);
  requested_.set(vector);
  if (level_triggered) {
    level_.set(vector);
  } else {
    level_.clear(vector);
  }
  update();
}

void LocalApic::deliver_local(Lvt entry) {
  uint32_t value = lvt_[static_cast<size_t>(entry)];
  if ((value & apic::kLvtMasked) != 0 || !globally_enabled()) return;
  auto mode = static_cast<DeliveryMode>((value & apic::kLvtMode) >> apic::kLvtModeShift);
  if (entry == Lvt::kTimer || entry == Lvt::kError) mode = DeliveryMode::kFixed;
  if (mode == DeliveryMode::kFixed) {
    accept_fixed(static_cast<uint8_t>(value & apic::kLvtVector), false);
  } else if (mode == DeliveryMode::kNmi && events_.on_nmi) {
    events_.on_nmi();
  }
  // kExternal is level-sensitive: external_deliverable() looks at the pin. Other modes do nothing here
  // (10.5.1).
}

void LocalApic::set_external(bool high) {
  bool rising = high && !external_level_;
  external_level_ = high;
  if (rising) deliver_local(Lvt::kLint0);
  update();
}

void LocalApic::pulse_nmi_pin() { deliver_local(Lvt::kLint1); }

bool LocalApic::external_deliverable() const {
  if (!acknowledge_external_) return false;
  if (external_latched_) return true;
  if (!external_level_) return false;
  if (!globally_enabled()) return config_.bootstrap;  // LINT0 is then the processor's INTR pin (10.4.3)
  constexpr uint32_t kUnmaskedExternal = 7 << apic::kLvtModeShift;
  return (lvt_[static_cast<size_t>(Lvt::kLint0)] & (apic::kLvtMasked | apic::kLvtMode)) == kUnmaskedExternal;
}

void LocalApic::raise_error(uint32_t bits) {
  // Only a new kind of error interrupts: an error interrupt with an illegal vector is an error again.
  bool news = (errors_seen_ & bits) != bits;
  errors_seen_ |= bits;
  if (news) deliver_local(Lvt::kError);
}

void LocalApic::end_of_interrupt() {
  int highest = in_service_.highest();
  if (highest < 0) return;
  auto vector = static_cast<uint8_t>(highest);
  in_service_.clear(vector);
  if (level_.test(vector)) bus_.broadcast_end_of_interrupt(vector);
  update();
}

void LocalApic::update() {
  uint16_t deliverable = kNothing;
  if (external_deliverable()) {
    deliverable = kExternalVector;
  } else if (int highest = requested_.highest(); highest >= 0 && highest >> 4 > processor_priority() >> 4) {
    deliverable = static_cast<uint16_t>(highest);
  }
  uint16_t before = deliverable_.exchange(deliverable, std::memory_order_acq_rel);
  if (deliverable != kNothing && deliverable != before && events_.on_pending) events_.on_pending();
}

}  // namespace cumulet::hypervisor
