// ApicBus: carries interrupt messages to the local APICs they name, and ends of interrupt back to IO-APICs.
#pragma once

#include <cstdint>
#include <vector>

#include "hypervisor/interrupt/message.h"

namespace cumulet::hypervisor {

class LocalApic;

// Somebody who must know when a level-triggered interrupt was completed.
class EndOfInterruptListener {
 public:
  virtual ~EndOfInterruptListener() = default;
  virtual void end_of_interrupt(uint8_t vector) = 0;
};

// Not thread-safe: used under the machine's device lock. What is attached must outlive the bus's use.
class ApicBus {
 public:
  void attach(LocalApic& apic) { apics_.push_back(&apic); }
  void attach(EndOfInterruptListener& listener) { listeners_.push_back(&listener); }

  // Delivers to every local APIC that the destination names; for kLowestPriority, to the one of them with the
  // lowest processor priority. `sender` is left out when `except_sender`. False when it named nobody: such a
  // message is lost.
  bool deliver(const InterruptMessage& message, const LocalApic* sender = nullptr,
               bool except_sender = false);
  void broadcast_end_of_interrupt(uint8_t vector);

 private:
  std::vector<LocalApic*> apics_;
  std::vector<EndOfInterruptListener*> listeners_;
};

}  // namespace cumulet::hypervisor
