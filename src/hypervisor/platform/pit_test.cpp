// Tests of the 8254: counts, modes, latches, the gated channel and IRQ 0.
#include "hypervisor/platform/pit.h"

#include <gtest/gtest.h>

#include "hypervisor/device/recording_line.h"

namespace cumulet::hypervisor {
namespace {

constexpr uint64_t kMs = 1'000'000;

class PitTest : public testing::Test {
 protected:
  PitTest() { EXPECT_TRUE(pit_.claim(ports_, 0x40, 0x61).has_value()); }
  void out(uint16_t port, int value) {
    auto byte = static_cast<uint8_t>(value);
    ports_.write(port, {&byte, 1});
  }
  int in(uint16_t port) {
    uint8_t byte = 0;
    ports_.read(port, {&byte, 1});
    return byte;
  }
  void load(int channel, int mode, int count) {
    out(0x43, channel << 6 | 0x30 | mode << 1);
    out(static_cast<uint16_t>(0x40 + channel), count & 0xff);
    out(static_cast<uint16_t>(0x40 + channel), count >> 8);
  }
  int count(int channel) {
    out(0x43, channel << 6);
    int low = in(static_cast<uint16_t>(0x40 + channel));
    return low | in(static_cast<uint16_t>(0x40 + channel)) << 8;
  }

  ManualTimerService timers_;
  RecordingLine irq0_;
  Pit pit_{timers_, irq0_};
  Bus ports_;
};

TEST_F(PitTest, TicksAHundredTimesASecond) {
  for (int mode : {2, 3}) {
    load(0, mode, 11932);  // 1,193,182 Hz / 100
    timers_.advance_ns(1000 * kMs);
    EXPECT_EQ(irq0_.take_rises(), 99) << mode;  // 99.998 periods
    timers_.advance_ns(1 * kMs);
    EXPECT_EQ(irq0_.take_rises(), 1) << mode;
  }
}

TEST_F(PitTest, OneShotModesFireOnce) {
  for (int mode : {0, 4}) {
    load(0, mode, 1193);
    timers_.advance_ns(kMs / 2);
    EXPECT_EQ(irq0_.take_rises(), 0);
    timers_.advance_ns(100 * kMs);
    EXPECT_EQ(irq0_.take_rises(), 1);
  }
  load(0, 0, 0);  // the longest: 65536
  timers_.advance_ns(54 * kMs);
  EXPECT_EQ(irq0_.take_rises(), 0);
  timers_.advance_ns(kMs);
  EXPECT_EQ(irq0_.take_rises(), 1);
  out(0x43, 0x30);  // a control word alone stops it
  timers_.advance_ns(100 * kMs);
  EXPECT_EQ(irq0_.take_rises(), 0);
}

TEST_F(PitTest, FastTickDoesNotStarveTheHost) {
  load(0, 2, 1);
  timers_.advance_ns(10 * kMs);
  EXPECT_GT(irq0_.take_rises(), 100);
  load(0, 2, 2);
  timers_.advance_ns(10 * kMs);
  EXPECT_LE(irq0_.take_rises(), 201);
}

TEST_F(PitTest, CountsDown) {
  load(0, 2, 10000);
  timers_.advance_ns(kMs);  // 1193 ticks
  EXPECT_EQ(count(0), 10000 - 1193);
  out(0x43, 0x00);  // latched now, read later
  timers_.advance_ns(kMs);
  int low = in(0x40);
  EXPECT_EQ(low | in(0x40) << 8, 10000 - 1193);
  EXPECT_EQ(count(0), 10000 - 2386);
  load(0, 0, 100);
  timers_.advance_ns(kMs);
  EXPECT_EQ(count(0), 0x10000 + 100 - 1193);  // goes on below zero
  out(0x43, 0x14);                            // channel 0, low byte only, mode 2
  out(0x40, 200);
  timers_.advance_ns(10'000);  // 11 ticks
  EXPECT_EQ(in(0x40), 189);
  EXPECT_EQ(in(0x40), 189);
}

TEST_F(PitTest, ReadBackGivesStatusThenCount) {
  load(0, 3, 0x1234);
  out(0x43, 0xc2);  // count and status of channel 0
  EXPECT_EQ(in(0x40), 0xb6);
  EXPECT_EQ(in(0x40) | in(0x40) << 8, 0x1234);
  out(0x43, 0x30);
  out(0x43, 0xe2);
  EXPECT_EQ(in(0x40), 0x70);  // null count, output low in mode 0
}

TEST_F(PitTest, DecimalCounts) {
  out(0x43, 0x35);  // mode 2, BCD
  out(0x40, 0x00);
  out(0x40, 0x10);          // 1000
  timers_.advance_ns(kMs);  // 1193 ticks: 193 into the second period
  out(0x43, 0x00);
  int low = in(0x40);
  EXPECT_EQ(low | in(0x40) << 8, 0x0807);
}

TEST_F(PitTest, CalibrationByTheGatedChannel) {
  // As Linux measures its TSC: mode 0 on channel 2, wait for port 61h bit 5.
  out(0x61, 0x00);
  load(2, 0, 11932);
  timers_.advance_ns(50 * kMs);
  EXPECT_EQ(in(0x61) & 0x23, 0x00);  // gate low: it does not count
  out(0x61, 0x01);
  timers_.advance_ns(9 * kMs);
  EXPECT_EQ(in(0x61) & 0x23, 0x01);
  out(0x61, 0x00);
  timers_.advance_ns(50 * kMs);
  out(0x61, 0x01);
  EXPECT_EQ(in(0x61) & 0x20, 0x00);
  timers_.advance_ns(2 * kMs);
  EXPECT_EQ(in(0x61) & 0x23, 0x21);
  int refresh = in(0x61) & 0x10;
  timers_.advance_ns(15'086);
  EXPECT_NE(in(0x61) & 0x10, refresh);
}

TEST_F(PitTest, HardwareTriggeredModesWaitForTheGate) {
  out(0x61, 0x00);
  load(2, 1, 1193);
  timers_.advance_ns(5 * kMs);
  EXPECT_EQ(in(0x61) & 0x20, 0x20);
  out(0x61, 0x01);
  EXPECT_EQ(in(0x61) & 0x20, 0x00);
  timers_.advance_ns(kMs);
  EXPECT_EQ(in(0x61) & 0x20, 0x20);
}

TEST_F(PitTest, HpetCanTakeTheInterruptOver) {
  load(0, 2, 1193);
  pit_.set_irq_connected(false);
  timers_.advance_ns(10 * kMs);
  EXPECT_EQ(irq0_.take_rises(), 0);
  pit_.set_irq_connected(true);
  timers_.advance_ns(10 * kMs);
  EXPECT_NEAR(irq0_.take_rises(), 10, 1);
  pit_.reset();
  timers_.advance_ns(100 * kMs);
  EXPECT_EQ(irq0_.take_rises(), 0);
}

}  // namespace
}  // namespace cumulet::hypervisor
