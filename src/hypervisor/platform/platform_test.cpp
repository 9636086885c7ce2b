// Tests of the assembled board: where things are, who resets what, the debug ports.
#include "hypervisor/platform/platform.h"

#include <deque>
#include <gtest/gtest.h>

#include "hypervisor/device/recording_line.h"
#include "hypervisor/platform/layout.h"

namespace cumulet::hypervisor {
namespace {

class PlatformTest : public testing::Test {
 protected:
  PlatformLines lines() {
    auto isa = [this](uint8_t irq) -> InterruptLine& {
      asked_.push_back(irq);
      return lines_.emplace_back();
    };
    return {isa, [this](uint32_t) -> InterruptLine& { return lines_.emplace_back(); }};
  }
  void out(uint16_t port, std::initializer_list<uint8_t> bytes) {
    ports_.write(port, {bytes.begin(), bytes.size()});
  }
  int in(uint16_t port) {
    uint8_t byte = 0;
    ports_.read(port, {&byte, 1});
    return byte;
  }

  ManualTimerService timers_;
  std::deque<RecordingLine> lines_;
  std::vector<uint8_t> asked_;
  Bus ports_, memory_;
  int poweroffs_ = 0, resets_ = 0;
  std::vector<uint32_t> codes_;
};

TEST_F(PlatformTest, EverythingIsInItsPlace) {
  Platform platform(timers_, lines(),
                    {.on_poweroff = [this] { ++poweroffs_; },
                     .on_reset = [this] { ++resets_; },
                     .on_debug_exit = [this](uint32_t code) { codes_.push_back(code); }});
  ASSERT_TRUE(platform.claim(ports_, memory_).has_value());
  EXPECT_FALSE(platform.claim(ports_, memory_).has_value());  // once only
  std::vector<uint8_t> expected = {0, 8, 0, 8, 1, 9};         // PIT, RTC; both again for the HPET; i8042; SCI
  EXPECT_EQ(asked_, expected);

  out(layout::kAcpiPm1ControlPort, {0, layout::kSleepTypeS5 << 2 | 1 << 5});
  EXPECT_EQ(poweroffs_, 1);
  out(layout::kKeyboardCommandPort, {0xfe});
  uint8_t reset = layout::kResetValue;
  platform.reset_control().write(0, {&reset, 1});
  platform.reset_control().write(0, {&reset, 1});  // already set: no second one
  EXPECT_EQ(resets_, 2);
  platform.reset();
  platform.reset_control().write(0, {&reset, 1});
  EXPECT_EQ(resets_, 3);
  out(layout::kDebugExitPort, {0x2a});
  out(layout::kDebugExitPort, {0x78, 0x56, 0x34, 0x12});
  EXPECT_EQ(codes_, (std::vector<uint32_t>{0x2a, 0x12345678}));
  out(layout::kPostPort, {0x99});
  EXPECT_EQ(platform.last_post_code(), 0x99);
  EXPECT_EQ(in(layout::kPostPort), 0x99);
  uint32_t period_fs = 0;
  std::array<uint8_t, 4> bytes{};
  memory_.read(layout::kHpetAddress + 4, bytes);
  period_fs = load_le<uint32_t>(bytes);
  EXPECT_EQ(period_fs, hpet::kPeriodFs);
  out(layout::kAcpiPm1EventPort + 2, {0, 1});
  platform.press_power_button();
  EXPECT_EQ(in(layout::kAcpiPm1EventPort + 1), 1);
}

TEST_F(PlatformTest, TheDebugExitIsOptional) {
  Platform platform(timers_, lines(), {.on_poweroff = [] {}, .on_reset = [] {}});
  ASSERT_TRUE(platform.claim(ports_, memory_).has_value());
  out(layout::kDebugExitPort, {1});
  EXPECT_EQ(in(layout::kDebugExitPort), 0xff);
}

}  // namespace
}  // namespace cumulet::hypervisor
