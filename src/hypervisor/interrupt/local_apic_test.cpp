// Tests of the local APIC: priorities, timer modes, messages between processors, both register interfaces.
#include "hypervisor/interrupt/local_apic.h"

#include <gtest/gtest.h>
#include <vector>

#include "hypervisor/device/recording_line.h"

namespace cumulet::hypervisor {
namespace {

constexpr uint64_t kTscKhz = 2'000'000;
constexpr uint64_t kX2ApicMode = apic::kBaseDefault | apic::kBaseEnable | apic::kBaseExtended;

uint64_t offset_of(apic::Register index) { return uint64_t{index} * 16; }

class LocalApicTest : public testing::Test {
 protected:
  struct Processor {
    int kicks = 0, nmis = 0, inits = 0;
    std::vector<uint8_t> startups;
  };

  LocalApic& add(uint32_t id) {
    Processor& processor = processors_[id];
    LocalApicConfig config{
        .id = id, .bootstrap = id == 0, .tsc_khz = kTscKhz, .read_tsc = [this] { return tsc(); }};
    LocalApicEvents events{.on_pending = [&] { ++processor.kicks; },
                           .on_nmi = [&] { ++processor.nmis; },
                           .on_init = [&] { ++processor.inits; },
                           .on_startup = [&](uint8_t vector) { processor.startups.push_back(vector); }};
    apics_.push_back(std::make_unique<LocalApic>(config, events, bus_, timers_));
    LocalApic& apic = *apics_.back();
    write_value<uint32_t>(apic, offset_of(apic::kSpurious), 0x1ff);
    return apic;
  }
  [[nodiscard]] uint64_t tsc() const { return timers_.clock().monotonic_ns() * kTscKhz / 1'000'000; }
  static void set(LocalApic& apic, apic::Register index, uint32_t value) {
    write_value<uint32_t>(apic, offset_of(index), value);
  }
  static uint32_t get(LocalApic& apic, apic::Register index) {
    return read_value<uint32_t>(apic, offset_of(index));
  }
  // Takes the pending interrupt and completes it; -1 when there is none.
  static int serve(LocalApic& apic) {
    auto vector = apic.acknowledge();
    if (vector) set(apic, apic::kEndOfInterrupt, 0);
    return vector ? *vector : -1;
  }
  static InterruptMessage fixed(uint8_t vector) {
    InterruptMessage message;
    message.destination = kBroadcast;
    message.vector = vector;
    return message;
  }

  ManualTimerService timers_;
  ApicBus bus_;
  std::array<Processor, 4> processors_;
  std::vector<std::unique_ptr<LocalApic>> apics_;
};

TEST_F(LocalApicTest, DeliversByPriority) {
  LocalApic& apic = add(0);
  apic.accept(fixed(0x41));
  apic.accept(fixed(0x91));
  apic.accept(fixed(0x42));
  EXPECT_TRUE(apic.pending());
  EXPECT_EQ(apic.highest_pending(), 0x91);
  EXPECT_EQ(apic.acknowledge(), 0x91);
  EXPECT_EQ(get(apic, apic::kProcessorPriority), 0x90u);
  EXPECT_FALSE(apic.pending());  // 0x41 and 0x42 are below what is in service
  apic.accept(fixed(0xa0));
  EXPECT_EQ(apic.acknowledge(), 0xa0);  // nested
  set(apic, apic::kEndOfInterrupt, 0);
  EXPECT_FALSE(apic.pending());
  set(apic, apic::kEndOfInterrupt, 0);
  EXPECT_EQ(serve(apic), 0x42);
  EXPECT_EQ(serve(apic), 0x41);
  EXPECT_EQ(serve(apic), -1);
  set(apic, apic::kEndOfInterrupt, 0);  // with nothing in service: ignored
}

TEST_F(LocalApicTest, TaskPriorityHoldsInterruptsBack) {
  LocalApic& apic = add(0);
  apic.set_cr8(5);
  EXPECT_EQ(get(apic, apic::kTaskPriority), 0x50u);
  apic.accept(fixed(0x5f));
  EXPECT_FALSE(apic.pending());
  EXPECT_FALSE(apic.acknowledge().has_value());
  int kicks = processors_[0].kicks;
  set(apic, apic::kTaskPriority, 0x4f);
  EXPECT_TRUE(apic.pending());
  EXPECT_EQ(processors_[0].kicks, kicks + 1);
  EXPECT_EQ(apic.cr8(), 4u);
  apic.set_cr8(4);  // the mirror of what is there: the low half of TPR stays
  EXPECT_EQ(get(apic, apic::kTaskPriority), 0x4fu);
  EXPECT_EQ(serve(apic), 0x5f);
}

TEST_F(LocalApicTest, SoftwareDisabledAcceptsNothingAndMasks) {
  LocalApic& apic = add(0);
  set(apic, apic::kLvtTimer, 0x30);
  set(apic, apic::kSpurious, 0xff);
  EXPECT_EQ(get(apic, apic::kLvtTimer), apic::kLvtMasked | 0x30u);
  apic.accept(fixed(0x40));
  EXPECT_FALSE(apic.pending());
  set(apic, apic::kLvtLint0, 0x700);
  EXPECT_EQ(get(apic, apic::kLvtLint0), apic::kLvtMasked | 0x700u);
}

TEST_F(LocalApicTest, OneShotTimerCountsDownOnce) {
  LocalApic& apic = add(0);
  set(apic, apic::kDivideConfiguration, 0b1011);  // by 1
  set(apic, apic::kLvtTimer, 0xec);
  set(apic, apic::kInitialCount, 1'000'000);
  timers_.advance_ns(400'000);
  EXPECT_EQ(get(apic, apic::kCurrentCount), 600'000u);
  EXPECT_FALSE(apic.pending());
  timers_.advance_ns(600'000);
  EXPECT_EQ(get(apic, apic::kCurrentCount), 0u);
  EXPECT_EQ(serve(apic), 0xec);
  timers_.advance_ns(10'000'000);
  EXPECT_FALSE(apic.pending());
  set(apic, apic::kInitialCount, 1'000);
  set(apic, apic::kInitialCount, 0);  // stops it
  timers_.advance_ns(10'000'000);
  EXPECT_FALSE(apic.pending());
}

TEST_F(LocalApicTest, MaskedOneShotStaysSilentAfterwards) {
  LocalApic& apic = add(0);
  set(apic, apic::kLvtTimer, apic::kLvtMasked | 0xec);
  set(apic, apic::kInitialCount, 1'000);
  timers_.advance_ns(1'000'000);
  set(apic, apic::kLvtTimer, 0xec);
  timers_.advance_ns(1'000'000);
  EXPECT_FALSE(apic.pending());
}

TEST_F(LocalApicTest, PeriodicTimerKeepsItsPhase) {
  LocalApic& apic = add(0);
  set(apic, apic::kDivideConfiguration, 0b0011);  // by 16
  set(apic, apic::kLvtTimer, 1 << 17 | 0x40);
  set(apic, apic::kInitialCount, 62'500);  // 1 ms
  for (int tick = 0; tick < 5; ++tick) {
    timers_.advance_ns(999'999);
    EXPECT_FALSE(apic.pending()) << tick;
    timers_.advance_ns(1);
    EXPECT_EQ(serve(apic), 0x40) << tick;
  }
  timers_.advance_ns(500'000);
  EXPECT_EQ(get(apic, apic::kCurrentCount), 31'250u);
  set(apic, apic::kDivideConfiguration, 0b1011);  // by 1: the rest runs 16 times as fast
  timers_.advance_ns(31'250);
  EXPECT_EQ(serve(apic), 0x40);
}

TEST_F(LocalApicTest, VeryFastPeriodicTimerDoesNotStarveTheHost) {
  LocalApic& apic = add(0);
  set(apic, apic::kDivideConfiguration, 0b1011);
  set(apic, apic::kLvtTimer, 1 << 17 | 0x40);
  set(apic, apic::kInitialCount, 1);
  int served = 0;
  for (int i = 0; i < 1000; ++i) {
    timers_.advance_ns(1'000);
    if (serve(apic) == 0x40) ++served;
  }
  EXPECT_GE(served, 10);
  EXPECT_LE(served, 25);  // 50 us apart, in 1 ms
}

TEST_F(LocalApicTest, TscDeadlineFiresWhenTheTscGetsThere) {
  LocalApic& apic = add(0);
  ASSERT_TRUE(apic.write_msr(apic::kMsrTscDeadline, 1'000));  // not in that mode: ignored
  EXPECT_EQ(apic.read_msr(apic::kMsrTscDeadline), 0u);
  set(apic, apic::kLvtTimer, 2 << 17 | 0xec);
  ASSERT_TRUE(apic.write_msr(apic::kMsrTscDeadline, tsc() + 2 * kTscKhz));  // 2 ms
  EXPECT_NE(apic.read_msr(apic::kMsrTscDeadline), 0u);
  set(apic, apic::kInitialCount, 5);
  EXPECT_EQ(get(apic, apic::kInitialCount), 0u);
  timers_.advance_ns(1'999'999);
  EXPECT_FALSE(apic.pending());
  timers_.advance_ns(2);
  EXPECT_EQ(serve(apic), 0xec);
  EXPECT_EQ(apic.read_msr(apic::kMsrTscDeadline), 0u);
  ASSERT_TRUE(apic.write_msr(apic::kMsrTscDeadline, 1));  // in the past: at once
  timers_.advance_ns(0);
  EXPECT_EQ(serve(apic), 0xec);
  ASSERT_TRUE(apic.write_msr(apic::kMsrTscDeadline, tsc() + kTscKhz));
  ASSERT_TRUE(apic.write_msr(apic::kMsrTscDeadline, 0));  // disarmed
  timers_.advance_ns(10'000'000);
  EXPECT_FALSE(apic.pending());
  ASSERT_TRUE(apic.write_msr(apic::kMsrTscDeadline, ~uint64_t{0}));  // never
  timers_.advance_ns(uint64_t{10'000} * 1'000'000'000);
  EXPECT_FALSE(apic.pending());
}

TEST_F(LocalApicTest, SendsInterProcessorInterrupts) {
  LocalApic &first = add(0), &second = add(1), &third = add(2);
  set(first, apic::kCommandHigh, 1 << 24);
  set(first, apic::kCommandLow, 0x4055);
  EXPECT_EQ(serve(second), 0x55);
  EXPECT_FALSE(third.pending());
  set(first, apic::kCommandLow, 0xc4056);  // all but self
  EXPECT_EQ(serve(second), 0x56);
  EXPECT_EQ(serve(third), 0x56);
  EXPECT_FALSE(first.pending());
  set(first, apic::kCommandLow, 0x84057);  // all
  EXPECT_EQ(serve(first), 0x57);
  EXPECT_EQ(serve(third), 0x57);
  set(first, apic::kCommandLow, 0x44058);  // self
  EXPECT_EQ(serve(first), 0x58);

  set(first, apic::kCommandHigh, 2 << 24);
  set(first, apic::kCommandLow, 0x4500);   // INIT
  set(first, apic::kCommandLow, 0x8500);   // INIT level de-assert: nothing
  set(first, apic::kCommandLow, 0x4609a);  // startup, destination shorthand self: illegal, nothing
  set(first, apic::kCommandLow, 0x469a);
  set(first, apic::kCommandLow, 0x4400);  // NMI
  EXPECT_EQ(processors_[2].inits, 1);
  EXPECT_EQ(processors_[2].startups, std::vector<uint8_t>{0x9a});
  EXPECT_EQ(processors_[2].nmis, 1);
  EXPECT_EQ(processors_[1].nmis, 0);
}

TEST_F(LocalApicTest, MatchesLogicalDestinations) {
  LocalApic &first = add(0), &second = add(1);
  set(first, apic::kLogicalDestination, 0x01 << 24);
  set(second, apic::kLogicalDestination, 0x02 << 24);
  set(first, apic::kCommandHigh, 0x03 << 24);
  set(first, apic::kCommandLow, 0x4860);  // flat: both
  EXPECT_EQ(serve(first), 0x60);
  EXPECT_EQ(serve(second), 0x60);
  set(second, apic::kDestinationFormat, 0);  // cluster model
  set(second, apic::kLogicalDestination, 0x21 << 24);
  set(first, apic::kCommandHigh, 0x23 << 24);
  set(first, apic::kCommandLow, 0x4861);
  EXPECT_EQ(serve(second), 0x61);
  set(first, apic::kLogicalDestination, 0);
  set(first, apic::kCommandHigh, 0x13 << 24);  // another cluster
  set(first, apic::kCommandLow, 0x4862);
  EXPECT_FALSE(second.pending());
}

TEST_F(LocalApicTest, LowestPriorityChoosesTheLeastBusy) {
  LocalApic &first = add(0), &second = add(1);
  set(first, apic::kTaskPriority, 0x30);
  InterruptMessage message = fixed(0x70);
  message.mode = DeliveryMode::kLowestPriority;
  EXPECT_TRUE(bus_.deliver(message));
  EXPECT_FALSE(first.pending());
  EXPECT_EQ(serve(second), 0x70);
  set(second, apic::kTaskPriority, 0x40);
  EXPECT_TRUE(bus_.deliver(message));
  EXPECT_EQ(serve(first), 0x70);
}

TEST_F(LocalApicTest, X2ApicReplacesThePageByMsrs) {
  LocalApic &first = add(0), &second = add(1);
  EXPECT_EQ(first.register_page(), 0xfee00000u);
  EXPECT_FALSE(first.read_msr(0x802).has_value());
  ASSERT_TRUE(first.write_msr(apic::kMsrBase, kX2ApicMode | apic::kBaseBootstrap));
  ASSERT_TRUE(second.write_msr(apic::kMsrBase, kX2ApicMode));
  EXPECT_FALSE(first.register_page().has_value());
  EXPECT_EQ(read_value<uint32_t>(first, offset_of(apic::kVersion)), 0xffffffffu);
  EXPECT_EQ(second.read_msr(0x802), 1u);
  EXPECT_EQ(second.read_msr(0x80d), 2u);                                      // logical id: cluster 0, bit 1
  EXPECT_TRUE(first.write_msr(0x830, uint64_t{1} << 32 | 0x4055));            // physical
  EXPECT_TRUE(first.write_msr(0x830, uint64_t{0x0000'0002} << 32 | 0x4856));  // logical
  EXPECT_TRUE(first.write_msr(0x83f, 0x57));                                  // self
  EXPECT_EQ(second.acknowledge(), 0x56);  // same class: the higher vector first, then 0x55
  EXPECT_TRUE(second.write_msr(0x80b, 0));
  EXPECT_EQ(second.acknowledge(), 0x55);
  EXPECT_EQ(first.acknowledge(), 0x57);
  EXPECT_TRUE(first.write_msr(0x830, uint64_t{0xffff'ffff} << 32 | 0x4400));  // NMI to all
  EXPECT_EQ(processors_[0].nmis + processors_[1].nmis, 2);

  for (uint32_t index : {0x80eu, 0x831u, 0x80bu, 0x83fu, 0x82fu, 0x840u})
    EXPECT_FALSE(first.read_msr(index).has_value()) << index;
  for (uint32_t index : {0x802u, 0x80du, 0x80bu, 0x828u, 0x839u, 0x831u})
    EXPECT_FALSE(first.write_msr(index, 1)) << index;
  EXPECT_FALSE(first.write_msr(0x808, 0x100));
  EXPECT_FALSE(first.write_msr(0x838, uint64_t{1} << 32));
}

TEST_F(LocalApicTest, ModeChangesFollowTheManual) {
  LocalApic& apic = add(0);
  constexpr uint64_t kXApic = apic::kBaseDefault | apic::kBaseEnable, kDisabled = apic::kBaseDefault;
  EXPECT_FALSE(apic.write_msr(apic::kMsrBase, apic::kBaseDefault | apic::kBaseExtended));
  EXPECT_FALSE(apic.write_msr(apic::kMsrBase, kXApic | 1));
  EXPECT_FALSE(apic.write_msr(apic::kMsrBase, kXApic | uint64_t{1} << 60));
  EXPECT_TRUE(apic.write_msr(apic::kMsrBase, kX2ApicMode));
  EXPECT_FALSE(apic.write_msr(apic::kMsrBase, kXApic));  // only by way of disabled
  EXPECT_TRUE(apic.write_msr(apic::kMsrBase, kDisabled));
  EXPECT_FALSE(apic.register_page().has_value());
  EXPECT_FALSE(apic.write_msr(apic::kMsrBase, kX2ApicMode));
  EXPECT_FALSE(bus_.deliver(fixed(0x40)));
  EXPECT_TRUE(apic.write_msr(apic::kMsrBase, 0x1000 | apic::kBaseEnable));
  EXPECT_EQ(apic.register_page(), 0x1000u);
  EXPECT_EQ(get(apic, apic::kSpurious), 0xffu);
}

TEST_F(LocalApicTest, CollectsErrors) {
  LocalApic& apic = add(0);
  set(apic, apic::kLvtError, 0xfe);
  set(apic, apic::kCommandLow, 0x44005);  // illegal vector, to self
  EXPECT_EQ(get(apic, apic::kErrorStatus), 0u);
  set(apic, apic::kErrorStatus, 0);
  EXPECT_EQ(get(apic, apic::kErrorStatus), apic::kErrorSendVector);
  EXPECT_EQ(serve(apic), 0xfe);
  set(apic, apic::kLvtError, 0x01);  // an error interrupt that is an error: must end
  EXPECT_EQ(read_value<uint32_t>(apic, 0x3f0), 0u);
  set(apic, apic::kErrorStatus, 0);
  EXPECT_EQ(get(apic, apic::kErrorStatus), apic::kErrorRegister | apic::kErrorReceiveVector);
}

TEST_F(LocalApicTest, ExternalInterruptsPassByTheApic) {
  LocalApic& apic = add(0);
  apic.connect_external([&] {
    apic.set_external(false);
    return uint8_t{0x08};
  });
  apic.set_external(true);
  EXPECT_FALSE(apic.pending());  // LINT0 is masked after reset
  apic.enter_virtual_wire_mode();
  EXPECT_TRUE(apic.pending());
  EXPECT_FALSE(apic.highest_pending().has_value());
  EXPECT_EQ(apic.acknowledge(), 0x08);
  EXPECT_FALSE(apic.pending());
  EXPECT_EQ(get(apic, apic::kProcessorPriority), 0u);
  ASSERT_TRUE(apic.write_msr(apic::kMsrBase, apic::kBaseDefault));  // disabled: LINT0 is INTR
  apic.set_external(true);
  EXPECT_EQ(apic.acknowledge(), 0x08);
  ASSERT_TRUE(apic.write_msr(apic::kMsrBase, apic::kBaseDefault | apic::kBaseEnable));
  apic.enter_virtual_wire_mode();
  apic.pulse_nmi_pin();
  EXPECT_EQ(processors_[0].nmis, 1);
}

TEST_F(LocalApicTest, AnyAccessWidthIsHarmless) {
  LocalApic& apic = add(0);
  std::array<uint8_t, 64> wide{};
  apic.read(0xff0, std::span(wide).first(16));
  apic.read(0x0, wide);
  EXPECT_EQ(wide[0x30], 0x14);  // the version register, within its slot
  EXPECT_EQ(wide[0x34], 0);
  EXPECT_EQ(read_value<uint8_t>(apic, 0x32), 0x05);
  write_value<uint8_t>(apic, offset_of(apic::kTaskPriority), 0xff);
  EXPECT_EQ(get(apic, apic::kTaskPriority), 0u);
}

}  // namespace
}  // namespace cumulet::hypervisor
