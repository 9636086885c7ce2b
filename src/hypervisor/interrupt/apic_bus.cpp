// Delivery of interrupt messages.
#include "hypervisor/interrupt/apic_bus.h"

#include "hypervisor/interrupt/local_apic.h"

namespace cumulet::hypervisor {

bool ApicBus::deliver(const InterruptMessage& message, const LocalApic* sender, bool except_sender) {
  LocalApic* lowest = nullptr;
  bool accepted = false;
  for (LocalApic* apic : apics_) {
    if (except_sender && apic == sender) continue;
    if (!apic->matches(message)) continue;
    if (message.mode == DeliveryMode::kLowestPriority) {
      if (!apic->accepts_fixed()) continue;
      if (lowest == nullptr || apic->processor_priority() < lowest->processor_priority()) lowest = apic;
    } else {
      apic->accept(message);
      accepted = true;
    }
  }
  if (lowest == nullptr) return accepted;
  lowest->accept(message);
  return true;
}

void ApicBus::broadcast_end_of_interrupt(uint8_t vector) {
  for (EndOfInterruptListener* listener : listeners_) listener->end_of_interrupt(vector);
}

}  // namespace cumulet::hypervisor
