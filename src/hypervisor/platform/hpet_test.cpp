// Tests of the HPET: counter, one-shot and periodic comparators, 32-bit mode, routes, level interrupts.
#include "hypervisor/platform/hpet.h"

#include <gtest/gtest.h>

#include "hypervisor/device/recording_line.h"

namespace cumulet::hypervisor {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kTicksPerMs = kMs / hpet::kTickNs;

class HpetTest : public testing::Test {
 protected:
  HpetTest() : hpet_(timers_, lines(), [this](bool active) { legacy_ = active; }) {}
  Hpet::Lines lines() {
    Hpet::Lines result{&irq0_, &irq8_, {}};
    for (size_t i = 0; i < gsi_.size(); ++i) result.gsi[i] = &gsi_[i];
    return result;
  }
  void set(uint64_t offset, uint64_t value) { write_value<uint64_t>(hpet_, offset, value); }
  uint64_t get(uint64_t offset) { return read_value<uint64_t>(hpet_, offset); }
  static uint64_t configuration(size_t index) { return hpet::kComparators + hpet::kComparatorStride * index; }
  static uint64_t comparator(size_t index) { return configuration(index) + hpet::kComparatorValue; }

  ManualTimerService timers_;
  RecordingLine irq0_, irq8_;
  std::array<RecordingLine, hpet::kRouteCount> gsi_;
  bool legacy_ = false;
  Hpet hpet_;
};

TEST_F(HpetTest, CountsWhileEnabled) {
  EXPECT_EQ(get(hpet::kCapabilities) >> 32, 10'000'000u);
  EXPECT_EQ(get(hpet::kCapabilities) & 0xffffffff, 0x8086a201u);
  timers_.advance_ns(kMs);
  EXPECT_EQ(get(hpet::kMainCounter), 0u);
  set(hpet::kConfiguration, hpet::kEnable);
  timers_.advance_ns(kMs);
  EXPECT_EQ(get(hpet::kMainCounter), kTicksPerMs);
  set(hpet::kConfiguration, 0);
  timers_.advance_ns(kMs);
  EXPECT_EQ(get(hpet::kMainCounter), kTicksPerMs);
  write_value<uint32_t>(hpet_, hpet::kMainCounter + 4, 5);
  EXPECT_EQ(get(hpet::kMainCounter), uint64_t{5} << 32 | kTicksPerMs);
  EXPECT_EQ(read_value<uint32_t>(hpet_, hpet::kMainCounter + 4), 5u);
}

TEST_F(HpetTest, OneShotFiresAtTheMatch) {
  set(hpet::kConfiguration, hpet::kEnable);
  set(configuration(2), hpet::kInterruptEnable | uint64_t{20} << hpet::kRouteShift);
  set(comparator(2), get(hpet::kMainCounter) + kTicksPerMs);
  timers_.advance_ns(kMs - 1);
  EXPECT_EQ(gsi_[20].take_rises(), 0);
  timers_.advance_ns(1);
  EXPECT_EQ(gsi_[20].take_rises(), 1);
  EXPECT_EQ(get(hpet::kInterruptStatus), 0u);  // edges leave no status
  timers_.advance_ns(100'000 * kMs);
  EXPECT_EQ(gsi_[20].take_rises(), 0);
}

TEST_F(HpetTest, NarrowComparatorMatchesTheLowHalf) {
  // The way Linux uses it: 32-bit mode whatever the counter's high half is.
  set(hpet::kMainCounter, 0x7'ffff'ff00);
  set(hpet::kConfiguration, hpet::kEnable);
  set(configuration(1), hpet::kInterruptEnable | hpet::k32BitMode | uint64_t{16} << hpet::kRouteShift);
  write_value<uint32_t>(hpet_, comparator(1), 0x100);
  timers_.advance_ns(0x1ff * hpet::kTickNs);
  EXPECT_EQ(gsi_[16].take_rises(), 0);
  timers_.advance_ns(hpet::kTickNs);
  EXPECT_EQ(gsi_[16].take_rises(), 1);
  timers_.advance_ns((uint64_t{1} << 32) * hpet::kTickNs);  // once more after a whole turn
  EXPECT_EQ(gsi_[16].take_rises(), 1);
}

TEST_F(HpetTest, PeriodicThroughTheLegacyRoute) {
  set(hpet::kConfiguration, hpet::kLegacyReplacement);
  EXPECT_TRUE(legacy_);
  EXPECT_NE(get(configuration(0)) & hpet::kPeriodicCapable, 0u);
  EXPECT_EQ(get(configuration(1)) & hpet::kPeriodicCapable, 0u);
  set(configuration(0), hpet::kInterruptEnable | hpet::kPeriodic | hpet::kSetValue | hpet::k32BitMode);
  write_value<uint32_t>(hpet_, comparator(0), 4 * kTicksPerMs);  // the first match
  write_value<uint32_t>(hpet_, comparator(0), kTicksPerMs);      // the period
  set(hpet::kConfiguration, hpet::kLegacyReplacement | hpet::kEnable);
  timers_.advance_ns(4 * kMs - 1);
  EXPECT_EQ(irq0_.take_rises(), 0);
  timers_.advance_ns(1);
  EXPECT_EQ(irq0_.take_rises(), 1);
  timers_.advance_ns(10 * kMs);
  EXPECT_EQ(irq0_.take_rises(), 10);
  EXPECT_EQ(get(comparator(0)), 15 * kTicksPerMs);
  hpet_.reset();
  EXPECT_FALSE(legacy_);
  timers_.advance_ns(10 * kMs);
  EXPECT_EQ(irq0_.take_rises(), 0);
}

TEST_F(HpetTest, WidePeriodicSetByHalves) {
  set(configuration(0),
      hpet::kInterruptEnable | hpet::kPeriodic | hpet::kSetValue | uint64_t{16} << hpet::kRouteShift);
  write_value<uint32_t>(hpet_, comparator(0), 500);
  write_value<uint32_t>(hpet_, comparator(0) + 4, 1);
  EXPECT_EQ(get(comparator(0)), uint64_t{1} << 32 | 500);
  write_value<uint32_t>(hpet_, comparator(0), 100'000);
  write_value<uint32_t>(hpet_, comparator(0) + 4, 0);
  EXPECT_EQ(get(comparator(0)), uint64_t{1} << 32 | 500);
  set(hpet::kMainCounter, uint64_t{1} << 32);
  set(hpet::kConfiguration, hpet::kEnable);
  timers_.advance_ns(2 * kMs + 500 * hpet::kTickNs);
  EXPECT_EQ(gsi_[16].take_rises(), 3);
}

TEST_F(HpetTest, LevelStaysUntilStatusIsCleared) {
  set(hpet::kConfiguration, hpet::kEnable);
  set(configuration(1), hpet::kInterruptEnable | hpet::kLevelTriggered | uint64_t{17} << hpet::kRouteShift);
  set(comparator(1), kTicksPerMs);
  timers_.advance_ns(2 * kMs);
  EXPECT_TRUE(gsi_[17].high());
  EXPECT_EQ(get(hpet::kInterruptStatus), 2u);
  set(hpet::kInterruptStatus, 1);
  EXPECT_TRUE(gsi_[17].high());
  set(hpet::kInterruptStatus, 2);
  EXPECT_FALSE(gsi_[17].high());
}

TEST_F(HpetTest, RoutesThatDoNotExistGoNowhere) {
  set(hpet::kConfiguration, hpet::kEnable);
  for (uint64_t pin : {0, 2, 24, 31}) {
    set(configuration(1), hpet::kInterruptEnable | pin << hpet::kRouteShift);
    set(comparator(1), get(hpet::kMainCounter) + 1);
    timers_.advance_ns(kMs);
  }
  for (RecordingLine& line : gsi_) EXPECT_EQ(line.take_rises(), 0);
  EXPECT_EQ(get(0x3f8), 0u);
}

TEST_F(HpetTest, FastPeriodDoesNotStarveTheHost) {
  set(hpet::kConfiguration, hpet::kEnable);
  set(configuration(0),
      hpet::kInterruptEnable | hpet::kPeriodic | hpet::kSetValue | uint64_t{16} << hpet::kRouteShift);
  set(comparator(0), 1);
  timers_.advance_ns(10 * kMs);
  int rises = gsi_[16].take_rises();
  EXPECT_GT(rises, 100);
  EXPECT_LE(rises, 202);
}

}  // namespace
}  // namespace cumulet::hypervisor
