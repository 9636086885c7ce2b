// InterruptRouter: the machine's interrupt wiring: lines to 8259As and IO-APIC, messages to local APICs.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "hypervisor/device/bus.h"
#include "hypervisor/device/device.h"
#include "hypervisor/interrupt/apic_bus.h"
#include "hypervisor/interrupt/io_apic.h"
#include "hypervisor/interrupt/local_apic.h"
#include "hypervisor/interrupt/pic.h"

namespace cumulet::hypervisor {

// Owns the IO-APIC, the 8259A pair, the local APICs and every line.
//
//   device --line--> [OR of the lines of one interrupt] --+--> IO-APIC pin --message--> ApicBus --> local
//   APICs
//                                                         +--> 8259A pair --INT--> LINT0 of processor 0
//   device --message (MSI, MSI-X)-----------------------------------------------------> ApicBus
//
// Not thread-safe: used under the machine's device lock, but for what LocalApic itself allows.
class InterruptRouter final : public MessageSink {
 public:
  explicit InterruptRouter(uint8_t io_apic_id = 0);
  ~InterruptRouter() override;
  InterruptRouter(const InterruptRouter&) = delete;
  InterruptRouter& operator=(const InterruptRouter&) = delete;

  // Adds the local APIC of the next processor; it lives as long as the router. The first is the bootstrap
  // processor, whose LINT0 takes the 8259As' interrupts.
  LocalApic& add_local_apic(LocalApicConfig config, LocalApicEvents events, TimerService& timers);
  [[nodiscard]] LocalApic& local_apic(size_t index) { return *local_apics_.at(index); }

  // A new line to ISA interrupt `irq` (0 to 15, not 2), which is the 8259A pin and the IO-APIC pin (2 for IRQ
  // 0, else the same). Lines of one interrupt share it: it is high while any of them is. The line lives as
  // long as the router.
  [[nodiscard]] InterruptLine& isa_line(uint8_t irq);
  // A new line to IO-APIC pin `gsi` alone. Precondition: gsi < IoApic::kPinCount.
  [[nodiscard]] InterruptLine& gsi_line(uint32_t gsi);

  // An interrupt written by a device; anything but an address in 0xfeexxxxx is ignored.
  void send_message(uint64_t address, uint32_t data) override;

  [[nodiscard]] IoApic& io_apic() { return io_apic_; }
  [[nodiscard]] PicPair& pic() { return pic_; }
  [[nodiscard]] ApicBus& apic_bus() { return bus_; }
  // Puts every controller into its power-on state. Lines keep their levels: they are the devices' to reset.
  void reset();

 private:
  class Line;
  void change_pin(uint32_t pin, bool high);
  void change_isa(uint8_t irq, bool high);

  ApicBus bus_;
  IoApic io_apic_;
  PicPair pic_;
  std::vector<std::unique_ptr<LocalApic>> local_apics_;
  std::vector<std::unique_ptr<Line>> lines_;
  std::array<uint32_t, IoApic::kPinCount> high_lines_{};  // by IO-APIC pin
  std::array<uint32_t, 16> high_isa_lines_{};             // by IRQ
};

}  // namespace cumulet::hypervisor
