// Tests of the real-time clock: reading, setting, formats, and its three interrupts.
#include "hypervisor/platform/rtc.h"

#include <gtest/gtest.h>

#include "hypervisor/device/recording_line.h"
#include "hypervisor/platform/rtc_registers.h"

namespace cumulet::hypervisor {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

// The manual clock begins at 1,700,000,000 s: Tuesday, 2023-11-14 22:13:20 UTC.
class RtcTest : public testing::Test {
 protected:
  RtcTest() { EXPECT_TRUE(rtc_.claim(ports_, 0x70).has_value()); }
  void set(uint8_t index, int value) {
    auto byte = static_cast<uint8_t>(value);
    ports_.write(0x70, {&index, 1});
    ports_.write(0x71, {&byte, 1});
  }
  int get(uint8_t index) {
    uint8_t byte = 0;
    ports_.write(0x70, {&index, 1});
    ports_.read(0x71, {&byte, 1});
    return byte;
  }

  ManualTimerService timers_;
  RecordingLine irq8_;
  Rtc rtc_{timers_, irq8_};
  Bus ports_;
};

TEST_F(RtcTest, TellsTheHostsTime) {
  EXPECT_EQ(get(rtc::kCentury), 0x20);
  EXPECT_EQ(get(rtc::kYear), 0x23);
  EXPECT_EQ(get(rtc::kMonth), 0x11);
  EXPECT_EQ(get(rtc::kDay), 0x14);
  EXPECT_EQ(get(rtc::kHours), 0x22);
  EXPECT_EQ(get(rtc::kMinutes), 0x13);
  EXPECT_EQ(get(rtc::kSeconds), 0x20);
  EXPECT_EQ(get(rtc::kWeekday), 3);
  EXPECT_EQ(get(rtc::kD), rtc::kValid);
  timers_.advance_ns(45 * kSecond);
  EXPECT_EQ(get(rtc::kMinutes), 0x14);
  EXPECT_EQ(get(rtc::kSeconds), 0x05);
  set(rtc::kB, rtc::kBinary);  // 12 hours, binary
  EXPECT_EQ(get(rtc::kHours), 10 | rtc::kAfternoon);
  EXPECT_EQ(get(rtc::kYear), 23);
}

TEST_F(RtcTest, AnnouncesUpdates) {
  EXPECT_EQ(get(rtc::kA), rtc::kDefaultA);
  timers_.advance_ns(kSecond - 200'000);
  EXPECT_EQ(get(rtc::kA), rtc::kDefaultA | rtc::kUpdateInProgress);
  timers_.advance_ns(200'000);
  EXPECT_EQ(get(rtc::kA), rtc::kDefaultA);
}

TEST_F(RtcTest, CanBeSetFieldByField) {
  set(rtc::kB, rtc::kSet | rtc::k24Hours);
  set(rtc::kDay, 0x31);  // passes through 31 November on its way
  set(rtc::kMonth, 0x01);
  set(rtc::kCentury, 0x20);
  set(rtc::kYear, 0x31);
  set(rtc::kHours, 0x23);
  set(rtc::kMinutes, 0x59);
  set(rtc::kSeconds, 0x58);
  timers_.advance_ns(5 * kSecond);
  EXPECT_EQ(get(rtc::kSeconds), 0x58);  // held
  set(rtc::kB, rtc::k24Hours);
  timers_.advance_ns(2 * kSecond);
  EXPECT_EQ(get(rtc::kMonth), 0x02);
  EXPECT_EQ(get(rtc::kDay), 0x01);
  EXPECT_EQ(get(rtc::kYear), 0x31);
  EXPECT_EQ(get(rtc::kSeconds), 0x00);
  rtc_.reset();
  EXPECT_EQ(get(rtc::kYear), 0x31);  // the battery holds
  set(rtc::kMinutes, 0x30);          // without SET it takes effect at once
  EXPECT_EQ(get(rtc::kMinutes), 0x30);
}

TEST_F(RtcTest, HoldingWithoutWritingLosesNoTime) {
  set(rtc::kB, rtc::kSet | rtc::k24Hours);
  timers_.advance_ns(10 * kSecond);
  set(rtc::kB, rtc::k24Hours);
  EXPECT_EQ(get(rtc::kSeconds), 0x30);
}

TEST_F(RtcTest, UpdateInterruptsEachSecond) {
  set(rtc::kB, rtc::k24Hours | rtc::kUpdateEnable);
  timers_.advance_ns(kSecond - 1);
  EXPECT_FALSE(irq8_.high());
  timers_.advance_ns(1);
  EXPECT_TRUE(irq8_.high());
  timers_.advance_ns(5 * kSecond);
  EXPECT_EQ(irq8_.take_rises(), 1);  // until C is read
  EXPECT_EQ(get(rtc::kC), rtc::kInterrupt | rtc::kPeriodicFlag | rtc::kUpdateFlag);
  EXPECT_FALSE(irq8_.high());
  EXPECT_EQ(get(rtc::kC), 0);
  timers_.advance_ns(kSecond);
  EXPECT_EQ(irq8_.take_rises(), 1);
}

TEST_F(RtcTest, PeriodicInterruptAtItsRate) {
  set(rtc::kA, 0x26);  // 1024 Hz
  set(rtc::kB, rtc::k24Hours | rtc::kPeriodicEnable);
  int served = 0;
  for (int i = 0; i < 100; ++i) {
    timers_.advance_ns(976'563);
    if ((get(rtc::kC) & rtc::kPeriodicFlag) != 0) ++served;
  }
  EXPECT_NEAR(irq8_.take_rises(), 100, 1);
  EXPECT_NEAR(served, 100, 1);
  set(rtc::kA, 0x20);  // no rate
  timers_.advance_ns(kSecond);
  EXPECT_EQ(irq8_.take_rises(), 0);
}

TEST_F(RtcTest, AlarmAtItsTime) {
  set(rtc::kSecondsAlarm, 0x30);
  set(rtc::kMinutesAlarm, 0x13);
  set(rtc::kHoursAlarm, 0xff);  // any hour
  set(rtc::kB, rtc::k24Hours | rtc::kAlarmEnable);
  timers_.advance_ns(10 * kSecond - 1);
  EXPECT_FALSE(irq8_.high());
  timers_.advance_ns(1);
  EXPECT_TRUE(irq8_.high());
  EXPECT_EQ(get(rtc::kC) & ~rtc::kPeriodicFlag, rtc::kInterrupt | rtc::kAlarmFlag | rtc::kUpdateFlag);
  timers_.advance_ns(3600 * kSecond);
  EXPECT_TRUE(irq8_.high());
}

TEST_F(RtcTest, MemoryAndOddAccesses) {
  rtc_.set_memory(0x15, 0x80);
  EXPECT_EQ(get(0x15), 0x80);
  EXPECT_EQ(get(0x95), 0x80);  // bit 7 of the index is the NMI mask
  set(0x7f, 0x12);
  EXPECT_EQ(get(0x7f), 0x12);
  std::array<uint8_t, 2> both = {0x7e, 0x77};  // a word write sets the index, then the value
  ports_.write(0x70, both);
  EXPECT_EQ(get(0x7e), 0x77);
  set(rtc::kMonth, 0xff);  // nonsense becomes some time
  EXPECT_LE(get(rtc::kMonth), 0x12);
  rtc_.set_irq_connected(false);
  set(rtc::kB, rtc::k24Hours | rtc::kUpdateEnable);
  timers_.advance_ns(3 * kSecond);
  EXPECT_FALSE(irq8_.high());
}

}  // namespace
}  // namespace cumulet::hypervisor
