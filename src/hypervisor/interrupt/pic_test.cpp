// Tests of the 8259A pair: initialization, priorities, cascade, ends of interrupt, poll and mask read-back.
#include "hypervisor/interrupt/pic.h"

#include <gtest/gtest.h>

#include "hypervisor/device/recording_line.h"

namespace cumulet::hypervisor {
namespace {

class PicTest : public testing::Test {
 protected:
  PicTest() {
    EXPECT_TRUE(pics_.claim(ports_, 0x20, 0xa0, 0x4d0).has_value());
    for (uint16_t base : {0x20, 0xa0}) {
      out(base, 0x11);
      out(base + 1, base == 0x20 ? 0x30 : 0x38);
      out(base + 1, base == 0x20 ? 0x04 : 0x02);
      out(base + 1, 0x01);
      out(base + 1, 0x00);
    }
  }
  void out(int port, int value) {
    auto byte = static_cast<uint8_t>(value);
    ports_.write(static_cast<uint64_t>(port), {&byte, 1});
  }
  int in(int port) {
    uint8_t byte = 0;
    ports_.read(static_cast<uint64_t>(port), {&byte, 1});
    return byte;
  }
  void pulse(uint8_t irq) {
    pics_.set_level(irq, true);
    pics_.set_level(irq, false);
  }

  bool output_ = false;
  PicPair pics_{[this](bool high) { output_ = high; }};
  Bus ports_;
};

TEST_F(PicTest, MaskReadsBack) {
  out(0x21, 0xfb);
  out(0xa1, 0xff);
  EXPECT_EQ(in(0x21), 0xfb);
  EXPECT_EQ(in(0xa1), 0xff);
  pulse(0);
  EXPECT_FALSE(output_);
  EXPECT_EQ(in(0x20), 0x01);  // requested all the same
  out(0x21, 0x00);
  EXPECT_TRUE(output_);
}

TEST_F(PicTest, ServesByPriorityAndCascade) {
  pulse(10);
  pulse(3);
  EXPECT_TRUE(output_);
  EXPECT_EQ(pics_.acknowledge(), 0x3a);  // IRQ 10 comes in at pin 2, above IRQ 3
  EXPECT_FALSE(output_);
  pulse(0);
  EXPECT_TRUE(output_);  // nests
  EXPECT_EQ(pics_.acknowledge(), 0x30);
  out(0x20, 0x0b);
  EXPECT_EQ(in(0x20), 0x05);  // in service: 0 and the cascade
  out(0x20, 0x20);
  out(0xa0, 0x20);
  out(0x20, 0x20);
  EXPECT_TRUE(output_);
  EXPECT_EQ(pics_.acknowledge(), 0x33);
  out(0x20, 0x63);  // specific end of IRQ 3
  EXPECT_EQ(in(0x20), 0x00);
}

TEST_F(PicTest, LevelsAskAgainUntilLow) {
  out(0x4d1, 0xff);
  EXPECT_EQ(in(0x4d1), 0xde);
  EXPECT_EQ(in(0x4d0), 0x00);
  pics_.set_level(9, true);
  EXPECT_EQ(pics_.acknowledge(), 0x39);
  out(0xa0, 0x20);
  out(0x20, 0x20);
  EXPECT_TRUE(output_);
  pics_.set_level(9, false);
  EXPECT_FALSE(output_);
}

TEST_F(PicTest, SpuriousWhenTheRequestIsGone) {
  pics_.set_level(9, false);
  EXPECT_EQ(pics_.acknowledge(), 0x37);
  out(0x4d1, 0x02);
  pics_.set_level(9, true);
  pics_.set_level(9, false);
  EXPECT_FALSE(output_);
}

TEST_F(PicTest, AutomaticEndAndPoll) {
  out(0x20, 0x11);
  out(0x21, 0x30);
  out(0x21, 0x04);
  out(0x21, 0x03);  // automatic end of interrupt
  pulse(5);
  EXPECT_EQ(pics_.acknowledge(), 0x35);
  pulse(5);
  EXPECT_TRUE(output_);
  out(0x20, 0x0c);  // poll
  EXPECT_EQ(in(0x20), 0x85);
  EXPECT_FALSE(output_);
  out(0x20, 0x0c);
  EXPECT_EQ(in(0x20), 0x00);
}

TEST_F(PicTest, RotationAndSpecialMask) {
  pulse(3);
  EXPECT_EQ(pics_.acknowledge(), 0x33);
  out(0x20, 0xa0);  // rotate on non-specific end: 3 is now lowest
  pulse(3);
  pulse(4);
  EXPECT_EQ(pics_.acknowledge(), 0x34);
  pulse(7);
  EXPECT_FALSE(output_);
  out(0x21, 0x10);  // mask 4, then special mask mode: 4 in service holds nothing back
  out(0x20, 0x68);
  EXPECT_TRUE(output_);
  EXPECT_EQ(pics_.acknowledge(), 0x37);
}

}  // namespace
}  // namespace cumulet::hypervisor
