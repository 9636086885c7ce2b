// Platform: the fixed devices of the machine's board, wired to each other and put where layout.h says.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "base/result.h"
#include "hypervisor/device/bus.h"
#include "hypervisor/device/device.h"
#include "hypervisor/device/timer.h"
#include "hypervisor/platform/acpi_power.h"
#include "hypervisor/platform/debug_ports.h"
#include "hypervisor/platform/hpet.h"
#include "hypervisor/platform/keyboard_controller.h"
#include "hypervisor/platform/pit.h"
#include "hypervisor/platform/reset_control.h"
#include "hypervisor/platform/rtc.h"

namespace cumulet::hypervisor {

// Lines that the platform's devices need. ISA lines reach 8259A and IO-APIC, GSI lines the IO-APIC alone.
// Each is asked for once for each device that drives it.
struct PlatformLines {
  std::function<InterruptLine&(uint8_t irq)> isa;
  std::function<InterruptLine&(uint32_t gsi)> gsi;
};

// What the guest may ask of its machine. Called under the device lock, from inside a port write.
struct PlatformEvents {
  std::function<void()> on_poweroff;                      // ACPI S5
  std::function<void()> on_reset;                         // i8042, port 0xcf9 or the ACPI reset register
  std::function<void(uint32_t code)> on_debug_exit = {};  // left empty: there is no debug exit port
};

// Not thread-safe: used under the machine's device lock.
class Platform {
 public:
  Platform(TimerService& timers, const PlatformLines& lines, PlatformEvents events);

  // Claims every port and address but 0xcf9, which PciConfigPorts passes to reset_control().
  // Errors: those of Bus::insert().
  [[nodiscard]] Result<void> claim(Bus& ports, Bus& memory);
  void reset();
  void press_power_button() { acpi_power_.press_power_button(); }

  [[nodiscard]] IoHandler& reset_control() { return reset_control_; }
  [[nodiscard]] Rtc& rtc() { return rtc_; }
  [[nodiscard]] uint8_t last_post_code() const { return post_port_.last_code(); }

 private:
  PlatformEvents events_;
  Pit pit_;
  Rtc rtc_;
  Hpet hpet_;
  KeyboardController keyboard_controller_;
  AcpiPower acpi_power_;
  ResetControl reset_control_;
  DebugExit debug_exit_;
  PostPort post_port_;
};

}  // namespace cumulet::hypervisor
