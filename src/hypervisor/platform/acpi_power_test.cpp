// Tests of ACPI's fixed hardware: soft-off, the power button's SCI, the PM timer.
#include "hypervisor/platform/acpi_power.h"

#include <gtest/gtest.h>

#include "hypervisor/device/recording_line.h"

namespace cumulet::hypervisor {
namespace {

class AcpiPowerTest : public testing::Test {
 protected:
  ManualTimerService timers_;
  RecordingLine sci_;
  int poweroffs_ = 0;
  AcpiPower power_{timers_, sci_, 5, [this] { ++poweroffs_; }};
};

TEST_F(AcpiPowerTest, PowersOff) {
  EXPECT_EQ(read_value<uint16_t>(power_, 4), 1);  // SCI_EN
  write_value<uint16_t>(power_, 4, 5 << 10);
  EXPECT_EQ(poweroffs_, 0);
  write_value<uint16_t>(power_, 4, 3 << 10 | 1 << 13);  // S3, which does not exist
  EXPECT_EQ(poweroffs_, 0);
  write_value<uint16_t>(power_, 4, 5 << 10 | 1 << 13);
  EXPECT_EQ(poweroffs_, 1);
  EXPECT_EQ(read_value<uint16_t>(power_, 4), 5 << 10 | 1);  // SLP_EN reads 0
}

TEST_F(AcpiPowerTest, PowerButtonInterruptsWhenEnabled) {
  power_.press_power_button();
  EXPECT_FALSE(sci_.high());
  EXPECT_EQ(read_value<uint16_t>(power_, 0), 1 << 8);
  write_value<uint16_t>(power_, 0, 1 << 8);
  EXPECT_EQ(read_value<uint16_t>(power_, 0), 0);
  write_value<uint16_t>(power_, 2, 0xffff);
  EXPECT_EQ(read_value<uint16_t>(power_, 2), 0x0721);
  write_value<uint16_t>(power_, 2, 1 << 8);
  power_.press_power_button();
  EXPECT_TRUE(sci_.high());
  write_value<uint16_t>(power_, 0, 1 << 8);
  EXPECT_FALSE(sci_.high());
}

TEST_F(AcpiPowerTest, TimerRunsAndTurnsOver) {
  timers_.advance_ns(1'000'000'000);
  EXPECT_EQ(read_value<uint32_t>(power_, 8), kPmTimerHz);
  write_value<uint32_t>(power_, 8, 0);  // read-only
  EXPECT_EQ(read_value<uint32_t>(power_, 8), kPmTimerHz);
  write_value<uint16_t>(power_, 2, 1);
  timers_.advance_ns(uint64_t{598} * 1'000'000'000);
  EXPECT_FALSE(sci_.high());
  timers_.advance_ns(uint64_t{2} * 1'000'000'000);  // 2^31 ticks are 599.9 s
  EXPECT_TRUE(sci_.high());
  write_value<uint16_t>(power_, 0, 1);
  EXPECT_FALSE(sci_.high());
  timers_.advance_ns(uint64_t{600} * 1'000'000'000);
  EXPECT_TRUE(sci_.high());
}

TEST_F(AcpiPowerTest, AnyAccessWidth) {
  EXPECT_EQ(read_value<uint64_t>(power_, 4), 1u);
  EXPECT_EQ(read_value<uint64_t>(power_, 15), 0u);
  write_value<uint64_t>(power_, 12, ~uint64_t{0});
  power_.reset();
  EXPECT_EQ(read_value<uint32_t>(power_, 8), 0u);
}

}  // namespace
}  // namespace cumulet::hypervisor
