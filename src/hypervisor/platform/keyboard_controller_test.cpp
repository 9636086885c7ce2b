// Tests of the 8042: probes, reset, and what is said of the devices that are not there.
#include "hypervisor/platform/keyboard_controller.h"

#include <gtest/gtest.h>

#include "hypervisor/device/recording_line.h"

namespace cumulet::hypervisor {
namespace {

class KeyboardControllerTest : public testing::Test {
 protected:
  KeyboardControllerTest() { EXPECT_TRUE(controller_.claim(ports_, 0x60, 0x64).has_value()); }
  void out(uint16_t port, int value) {
    auto byte = static_cast<uint8_t>(value);
    ports_.write(port, {&byte, 1});
  }
  int in(uint16_t port) {
    uint8_t byte = 0;
    ports_.read(port, {&byte, 1});
    return byte;
  }

  RecordingLine irq1_;
  int resets_ = 0;
  KeyboardController controller_{irq1_, [this] { ++resets_; }};
  Bus ports_;
};

TEST_F(KeyboardControllerTest, AnswersProbes) {
  EXPECT_EQ(in(0x64), 0x14);  // not inhibited, system flag
  out(0x64, 0xaa);
  EXPECT_EQ(in(0x64) & 0x09, 0x09);
  EXPECT_EQ(in(0x60), 0x55);
  EXPECT_EQ(in(0x64) & 0x01, 0x00);
  out(0x64, 0x20);
  EXPECT_EQ(in(0x60), 0x74);
  out(0x64, 0x60);
  out(0x60, 0x45);
  EXPECT_EQ(in(0x64) & 0x08, 0x00);
  out(0x64, 0x20);
  EXPECT_EQ(in(0x60), 0x45);
  out(0x64, 0xab);
  EXPECT_EQ(in(0x60), 0x00);
  out(0x64, 0xad);
  out(0x64, 0xa7);
  out(0x64, 0x20);
  EXPECT_EQ(in(0x60), 0x75);
}

TEST_F(KeyboardControllerTest, HasNoKeyboardAndNoMouse) {
  out(0x64, 0x60);
  out(0x60, 0x01);  // interrupts on
  out(0x60, 0xff);  // reset the keyboard
  EXPECT_TRUE(irq1_.high());
  EXPECT_EQ(in(0x64) & 0x41, 0x41);  // timed out
  EXPECT_EQ(in(0x60), 0xfe);
  EXPECT_FALSE(irq1_.high());
  out(0x64, 0xd3);
  out(0x60, 0x5a);
  EXPECT_EQ(in(0x64) & 0x20, 0x00);  // does not come back as the mouse's
  EXPECT_EQ(in(0x60), 0x5a);
  out(0x64, 0xa9);
  EXPECT_NE(in(0x60), 0x00);
  out(0x64, 0xd4);
  out(0x60, 0xf2);
  EXPECT_EQ(in(0x64) & 0x61, 0x61);
  EXPECT_EQ(in(0x60), 0xfe);
}

TEST_F(KeyboardControllerTest, ResetsTheMachine) {
  out(0x64, 0xfe);
  EXPECT_EQ(resets_, 1);
  out(0x64, 0xff);  // pulses nothing
  EXPECT_EQ(resets_, 1);
  out(0x64, 0xd0);
  EXPECT_EQ(in(0x60), 0x03);
  out(0x64, 0xd1);
  out(0x60, 0x02);
  EXPECT_EQ(resets_, 2);
  controller_.reset();
  out(0x64, 0x33);
  EXPECT_EQ(in(0x60), 0x00);
}

}  // namespace
}  // namespace cumulet::hypervisor
