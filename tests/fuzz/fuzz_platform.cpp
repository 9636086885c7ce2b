// Fuzz target: the board's fixed devices behind their ports and the HPET's window, with time to pass.
#include <deque>

#include "fuzz_input.h"

#include "base/check.h"
#include "hypervisor/device/recording_line.h"
#include "hypervisor/platform/layout.h"
#include "hypervisor/platform/platform.h"

namespace {

using cumulet::FuzzInput;
using namespace cumulet::hypervisor;

struct Range {
  uint16_t port, count;
};
constexpr std::array<Range, 8> kPorts = {{{layout::kPitPort, 4},
                                          {layout::kSystemControlPort, 1},
                                          {layout::kKeyboardDataPort, 1},
                                          {layout::kKeyboardCommandPort, 1},
                                          {layout::kRtcPort, 2},
                                          {layout::kPostPort, 1},
                                          {layout::kAcpiPort, layout::kAcpiPortCount},
                                          {layout::kDebugExitPort, 4}}};

class FuzzedPlatform {
 public:
  FuzzedPlatform() { CHECK(platform_.claim(ports_, memory_).has_value()); }

  void step(FuzzInput& input) {
    uint8_t action = input.byte();
    switch (action % 16) {
      case 0:
      case 1: return timers_.advance_ns(input.step_ns());
      case 2:
      case 3:
      case 4: return fuzz_access(input, memory_, layout::kHpetAddress, Hpet::kWindowSize);
      case 5: return fuzz_access(input, memory_, layout::kHpetAddress + 0x100 + action / 16 % 3 * 0x20, 0x10);
      case 6: return fuzz_access(input, memory_, layout::kHpetAddress + 0x10, 1);
      case 7: return byte_access(input, layout::kPitPort + 3);
      case 8: return byte_access(input, layout::kPitPort);
      case 9: return access_rtc(input);
      case 10: return platform_.press_power_button();
      case 11: return platform_.reset_control().write(0, std::array<uint8_t, 1>{input.byte()});
      case 12:
        if (action == 0xfc) platform_.reset();
        return;
      default: {
        const Range& range = kPorts[action / 16 % kPorts.size()];
        fuzz_access(input, ports_, range.port, range.count);
      }
    }
  }

 private:
  InterruptLine& new_line() { return lines_.emplace_back(); }
  void byte_access(FuzzInput& input, uint64_t port) {
    uint8_t value = input.byte();
    if (input.byte() % 2 == 0) {
      ports_.read(port, {&value, 1});
    } else {
      ports_.write(port, {&value, 1});
    }
  }
  void access_rtc(FuzzInput& input) {
    uint8_t index = input.byte() % 16;
    if (index == 15) index = layout::kRtcCenturyRegister;
    ports_.write(layout::kRtcPort, {&index, 1});
    byte_access(input, layout::kRtcPort + 1);
  }

  ManualTimerService timers_;
  std::deque<RecordingLine> lines_;
  Bus ports_, memory_;
  uint64_t events_ = 0;
  Platform platform_{timers_,
                     {.isa = [this](uint8_t) -> InterruptLine& { return new_line(); },
                      .gsi = [this](uint32_t) -> InterruptLine& { return new_line(); }},
                     {.on_poweroff = [this] { ++events_; },
                      .on_reset = [this] { ++events_; },
                      .on_debug_exit = [this](uint32_t) { ++events_; }}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  FuzzedPlatform platform;
  while (!input.empty()) platform.step(input);
  return 0;
}
