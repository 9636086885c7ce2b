// Board: everything of a machine but its processors and RAM: buses, interrupt controllers, devices.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "base/result.h"
#include "hypervisor/device/bus.h"
#include "hypervisor/device/timer.h"
#include "hypervisor/interrupt/interrupt_router.h"
#include "hypervisor/pci/config_access.h"
#include "hypervisor/pci/pci_bus.h"
#include "hypervisor/platform/platform.h"
#include "hypervisor/serial/uart.h"
#include "hypervisor/vcpu/exit.h"

namespace cumulet::hypervisor {

// Called under the device lock.
struct BoardEvents {
  PlatformEvents platform;
  std::function<void(uint8_t byte)> on_console_output;
};

// Not thread-safe: used under the machine's device lock, but for what LocalApic allows.
class Board {
 public:
  Board(TimerService& timers, BoardEvents events);

  // Puts all devices on the buses. Called once. Errors: those of Bus::insert() and
  // PciBus::assign_resources().
  [[nodiscard]] Result<void> claim();
  // Adds the next processor's interrupt controller; the first is the bootstrap processor's.
  LocalApic& add_processor(uint64_t tsc_khz, std::function<uint64_t()> read_tsc, LocalApicEvents events);

  // Answer a processor's exits.
  void port_access(const PortIoExit& exit);
  void memory_access(LocalApic& own_apic, const MmioExit& exit);

  void press_power_button() { platform_.press_power_button(); }
  // Queues console input; bytes beyond a bound are dropped.
  void send_input(ByteView bytes);

 private:
  void feed_uart();

  TimerService& timers_;
  InterruptRouter interrupts_;
  Bus ports_, memory_;
  Platform platform_;
  Uart uart_;
  PciBus pci_;
  PciConfigPorts pci_ports_;
  EcamWindow ecam_;
  std::deque<uint8_t> input_;
  uint32_t processors_ = 0;
};

}  // namespace cumulet::hypervisor
