// Delivery of interrupts and exceptions through the IDT (SDM volume 3, 6).
#pragma once

#include <cstdint>
#include <optional>

#include "hypervisor/interpret/execution.h"

namespace cumulet::hypervisor {

// Something that goes through the IDT.
struct Event {
  enum class Source : uint8_t {
    kException,          // raised by the processor
    kExternal,           // interrupt or NMI
    kSoftwareInterrupt,  // INT n, INT3, INTO: the gate's DPL is checked
    kTrapInstruction,    // INT1: not checked
  };
  uint8_t vector;
  Source source;
  uint64_t return_rip;
  bool has_error_code = false;
  uint32_t error_code = 0;
};

// Delivers one event, once. On success the state is at the handler's first instruction; otherwise nothing but
// memory on the new stack changed, and `x` says why it stopped.
[[nodiscard]] bool deliver(Execution& x, const Event& event);

// Delivers an exception of the instruction at state.rip, and whatever follows from it: a fault during
// delivery becomes the double fault or the second exception (SDM volume 3, table 6-5), a third one
// ShutdownExit.
[[nodiscard]] std::optional<Exit> deliver_exception(Execution& x, const Exception& exception);
// The same for any event: an interrupt that cannot be delivered raises exceptions too.
[[nodiscard]] std::optional<Exit> deliver_event(Execution& x, const Event& event);

}  // namespace cumulet::hypervisor
