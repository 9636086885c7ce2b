// Tests of the IO-APIC: edges, levels, masks, ends of interrupt, register accesses.
#include "hypervisor/interrupt/io_apic.h"

#include <gtest/gtest.h>

#include "hypervisor/device/recording_line.h"
#include "hypervisor/interrupt/local_apic.h"

namespace cumulet::hypervisor {
namespace {

constexpr uint32_t kLevel = 1 << 15, kMasked = 1 << 16, kRemoteIrr = 1 << 14;

class IoApicTest : public testing::Test {
 protected:
  IoApicTest() { write_value<uint32_t>(apic_, apic::kSpurious * 16, 0x1ff); }
  void set(uint8_t index, uint32_t value) {
    write_value<uint32_t>(io_apic_, 0, index);
    write_value<uint32_t>(io_apic_, 0x10, value);
  }
  uint32_t get(uint8_t index) {
    write_value<uint8_t>(io_apic_, 0, index);
    return read_value<uint32_t>(io_apic_, 0x10);
  }
  void program(uint8_t pin, uint32_t low, uint32_t high = 0) {
    set(static_cast<uint8_t>(0x11 + 2 * pin), high);
    set(static_cast<uint8_t>(0x10 + 2 * pin), low);
  }
  uint32_t entry(uint8_t pin) { return get(static_cast<uint8_t>(0x10 + 2 * pin)); }
  void complete() { write_value<uint32_t>(apic_, apic::kEndOfInterrupt * 16, 0); }

  ManualTimerService timers_;
  ApicBus bus_;
  IoApic io_apic_{bus_, 3};
  LocalApic apic_{{.id = 0, .bootstrap = true}, {}, bus_, timers_};
};

TEST_F(IoApicTest, ShowsItsRegisters) {
  EXPECT_EQ(get(0), 3u << 24);
  EXPECT_EQ(get(1), 0x00170020u);
  EXPECT_EQ(get(2), 3u << 24);
  EXPECT_EQ(entry(23), kMasked);
  EXPECT_EQ(get(0x40), 0u);
  program(5, 0xffffffff, 0xffffffff);
  EXPECT_EQ(entry(5), 0x1afffu);
  EXPECT_EQ(get(0x11 + 10), 0xfffe0000u);
}

TEST_F(IoApicTest, EdgesInterruptOnceEach) {
  program(4, 0x34);
  io_apic_.set_level(4, true);
  EXPECT_EQ(apic_.acknowledge(), 0x34);
  complete();
  EXPECT_FALSE(apic_.pending());
  io_apic_.set_level(4, false);
  io_apic_.set_level(4, true);
  EXPECT_EQ(apic_.acknowledge(), 0x34);
  complete();
  io_apic_.set_level(4, false);
  program(4, 0x34 | kMasked);
  io_apic_.set_level(4, true);
  program(4, 0x34);
  EXPECT_FALSE(apic_.pending());  // the edge came while masked
}

TEST_F(IoApicTest, LevelsInterruptAgainAfterTheEndIfStillHigh) {
  program(9, 0x39 | kLevel);
  io_apic_.set_level(9, true);
  EXPECT_EQ(entry(9), 0x39 | kLevel | kRemoteIrr);
  EXPECT_EQ(apic_.acknowledge(), 0x39);
  EXPECT_FALSE(apic_.pending());
  complete();
  EXPECT_TRUE(apic_.pending());  // nobody lowered the line
  EXPECT_EQ(apic_.acknowledge(), 0x39);
  io_apic_.set_level(9, false);
  complete();
  EXPECT_FALSE(apic_.pending());
  EXPECT_EQ(entry(9), 0x39 | kLevel);

  program(9, 0x39 | kLevel | kMasked);
  io_apic_.set_level(9, true);
  EXPECT_FALSE(apic_.pending());
  program(9, 0x39 | kLevel);  // unmasked while high
  EXPECT_EQ(apic_.acknowledge(), 0x39);
}

TEST_F(IoApicTest, EndsByRegisterAndByTurningToEdge) {
  program(9, 0x39 | kLevel);
  io_apic_.set_level(9, true);
  io_apic_.set_level(9, false);
  write_value<uint32_t>(io_apic_, 0x40, 0x38);
  EXPECT_NE(entry(9) & kRemoteIrr, 0u);
  write_value<uint32_t>(io_apic_, 0x40, 0x39);
  EXPECT_EQ(entry(9) & kRemoteIrr, 0u);
  io_apic_.set_level(9, true);
  EXPECT_NE(entry(9) & kRemoteIrr, 0u);
  program(9, 0x39 | kMasked);
  EXPECT_EQ(entry(9) & kRemoteIrr, 0u);
}

TEST_F(IoApicTest, AMessageThatNobodyTakesDoesNotStick) {
  program(9, 0x39 | kLevel, 7u << 24);  // there is no processor 7
  io_apic_.set_level(9, true);
  EXPECT_EQ(entry(9), 0x39 | kLevel);
  program(9, 0x39 | kLevel, 0);
  EXPECT_EQ(apic_.acknowledge(), 0x39);
}

}  // namespace
}  // namespace cumulet::hypervisor
