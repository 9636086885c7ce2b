// Assembly of the board's fixed devices.
#include "hypervisor/platform/platform.h"

#include <utility>

#include "hypervisor/platform/layout.h"

namespace cumulet::hypervisor {

namespace {
Hpet::Lines hpet_lines(const PlatformLines& lines) {
  static_assert(hpet::kRouteCount == layout::kGsiCount);
  Hpet::Lines result{&lines.isa(layout::kPitIrq), &lines.isa(layout::kRtcIrq), {}};
  for (uint32_t gsi = 0; gsi < hpet::kRouteCount; ++gsi) result.gsi[gsi] = &lines.gsi(gsi);
  return result;
}
}  // namespace

Platform::Platform(TimerService& timers, const PlatformLines& lines, PlatformEvents events)
    : events_(std::move(events)),
      pit_(timers, lines.isa(layout::kPitIrq)),
      rtc_(timers, lines.isa(layout::kRtcIrq)),
      hpet_(timers, hpet_lines(lines),
            [this](bool active) {
              pit_.set_irq_connected(!active);
              rtc_.set_irq_connected(!active);
            }),
      keyboard_controller_(lines.isa(layout::kKeyboardIrq), [this] { events_.on_reset(); }),
      acpi_power_(timers, lines.isa(layout::kSciIrq), layout::kSleepTypeS5,
                  [this] { events_.on_poweroff(); }),
      reset_control_([this] { events_.on_reset(); }),
      debug_exit_([this](uint32_t code) { events_.on_debug_exit(code); }) {}

Result<void> Platform::claim(Bus& ports, Bus& memory) {
  TRY_VOID(pit_.claim(ports, layout::kPitPort, layout::kSystemControlPort));
  TRY_VOID(rtc_.claim(ports, layout::kRtcPort));
  TRY_VOID(keyboard_controller_.claim(ports, layout::kKeyboardDataPort, layout::kKeyboardCommandPort));
  TRY_VOID(ports.insert(layout::kAcpiPort, AcpiPower::kPortCount, acpi_power_));
  TRY_VOID(ports.insert(layout::kPostPort, 1, post_port_));
  if (events_.on_debug_exit)
    TRY_VOID(ports.insert(layout::kDebugExitPort, DebugExit::kPortCount, debug_exit_));
  return memory.insert(layout::kHpetAddress, Hpet::kWindowSize, hpet_);
}

void Platform::reset() {
  hpet_.reset();
  pit_.reset();
  rtc_.reset();
  keyboard_controller_.reset();
  acpi_power_.reset();
  reset_control_.reset();
}

}  // namespace cumulet::hypervisor
