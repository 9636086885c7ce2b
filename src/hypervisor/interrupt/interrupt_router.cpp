// The wiring between lines, interrupt controllers and processors.
#include "hypervisor/interrupt/interrupt_router.h"

#include <utility>

#include "base/check.h"

namespace cumulet::hypervisor {

// One device's end of an interrupt that it may share with others.
class InterruptRouter::Line final : public InterruptLine {
 public:
  explicit Line(std::function<void(bool high)> on_change) : on_change_(std::move(on_change)) {}
  void set_level(bool high) override {
    if (high == high_) return;
    high_ = high;
    on_change_(high);
  }

 private:
  std::function<void(bool)> on_change_;
  bool high_ = false;
};

InterruptRouter::InterruptRouter(uint8_t io_apic_id)
    : io_apic_(bus_, io_apic_id), pic_([this](bool high) {
        if (!local_apics_.empty()) local_apics_.front()->set_external(high);
      }) {}

InterruptRouter::~InterruptRouter() = default;

LocalApic& InterruptRouter::add_local_apic(LocalApicConfig config, LocalApicEvents events,
                                           TimerService& timers) {
  local_apics_.push_back(std::make_unique<LocalApic>(std::move(config), std::move(events), bus_, timers));
  LocalApic& added = *local_apics_.back();
  if (local_apics_.size() == 1) added.connect_external([this] { return pic_.acknowledge(); });
  return added;
}

InterruptLine& InterruptRouter::isa_line(uint8_t irq) {
  CHECK(irq < 16 && irq != 2);
  lines_.push_back(std::make_unique<Line>([this, irq](bool high) { change_isa(irq, high); }));
  return *lines_.back();
}

InterruptLine& InterruptRouter::gsi_line(uint32_t gsi) {
  CHECK(gsi < IoApic::kPinCount);
  lines_.push_back(std::make_unique<Line>([this, gsi](bool high) { change_pin(gsi, high); }));
  return *lines_.back();
}

void InterruptRouter::change_isa(uint8_t irq, bool high) {
  uint32_t& count = high_isa_lines_[irq];
  bool was_high = count > 0;
  count += high ? 1 : uint32_t(-1);
  if (was_high != (count > 0)) pic_.set_level(irq, high);
  change_pin(irq == 0 ? 2 : irq, high);
}

void InterruptRouter::change_pin(uint32_t pin, bool high) {
  uint32_t& count = high_lines_[pin];
  bool was_high = count > 0;
  count += high ? 1 : uint32_t(-1);
  if (was_high != (count > 0)) io_apic_.set_level(pin, high);
}

void InterruptRouter::send_message(uint64_t address, uint32_t data) {
  if (auto message = decode_message(address, data)) bus_.deliver(*message);
}

void InterruptRouter::reset() {
  for (auto& apic : local_apics_) apic->reset();
  io_apic_.reset();
  pic_.reset();
}

}  // namespace cumulet::hypervisor
