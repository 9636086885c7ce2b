// Tests of a machine's parts: CPUID by processor, model-specific registers, kvmclock, the timer thread.
#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <thread>

#include "hypervisor/machine/kvm_clock.h"
#include "hypervisor/machine/msr_file.h"
#include "hypervisor/machine/processor_cpuid.h"
#include "hypervisor/machine/timer_thread.h"

namespace cumulet::hypervisor {
namespace {

CpuidTable amd_like() {
  CpuidTable table;
  table.set({0, 0, false, {0x10, 0x68747541, 0x444d4163, 0x69746e65}});
  table.set({1, 0, false, {0xb00f21, 0x00100800, 0x00000201, 0x078bfbff}});
  table.set({0x80000000, 0, false, {0x80000008, 0, 0, 0}});
  table.set({0x80000001, 0, false, {0, 0, 1 << 22, 0}});
  table.set({0x80000008, 0, false, {0x3030, 0, 0, 0}});
  table.set({0x8000001d, 0, true, {1 | 1 << 5 | 1 << 14, 0, 0, 0}});
  table.set({0x8000001d, 1, true, {3 | 3 << 5 | 31 << 14, 0, 0, 0}});
  table.set({0x8000001d, 2, true, {0, 0, 0, 0}});
  return table;
}

TEST(ProcessorCpuid, TellsProcessorsApart) {
  CpuidTable table = processor_cpuid(amd_like(), 2, 6);
  CpuidResult features = table.query(1, 0);
  EXPECT_EQ(features.ebx >> 24, 2u);
  EXPECT_EQ((features.ebx >> 16) & 0xff, 8u);  // 6 rounded up
  EXPECT_NE(features.ecx & (1u << 31), 0u);    // hypervisor
  EXPECT_NE(features.ecx & (1u << 21), 0u);    // x2APIC
  EXPECT_NE(features.edx & (1u << 28), 0u);    // HTT
  EXPECT_EQ(table.query(0xb, 1).eax, 3u);
  EXPECT_EQ(table.query(0xb, 1).ebx, 6u);
  EXPECT_EQ(table.query(0xb, 0).edx, 2u);
  EXPECT_EQ(table.query(0x80000008, 0).ecx, 5u | 3u << 12);
  EXPECT_EQ(table.query(0x8000001e, 0).eax, 2u);
  EXPECT_EQ((table.query(0x8000001d, 0).eax >> 14) & 0xfff, 0u);
  EXPECT_EQ((table.query(0x8000001d, 1).eax >> 14) & 0xfff, 5u);
  EXPECT_EQ(processor_cpuid(amd_like(), 0, 1).query(1, 0).edx & (1u << 28), 0u);
}

TEST(ProcessorCpuid, SaysKvm) {
  CpuidTable table = processor_cpuid(CpuidTable(), 0, 1);
  CpuidResult signature = table.query(0x40000000, 0);
  EXPECT_EQ(signature.ebx, 0x4b4d564bu);
  EXPECT_EQ(table.query(signature.eax, 0).eax, (1u << 1) | (1u << 3) | (1u << 24));
}

TEST(MsrFile, StoresIgnoresAndFaults) {
  MsrFile msrs(2'500'000);
  EXPECT_EQ(msrs.read(0x2ff), 0x806u);  // MTRRs on, write-back
  EXPECT_TRUE(msrs.write(0x2ff, 6));
  EXPECT_EQ(msrs.read(0x2ff), 6u);
  EXPECT_TRUE(msrs.write(0x8b, 1));
  EXPECT_NE(msrs.read(0x8b), 1u);
  EXPECT_FALSE(msrs.write(0xfe, 1));
  EXPECT_FALSE(msrs.read(0xdeadbeef).has_value());
  EXPECT_FALSE(msrs.write(0xdeadbeef, 1));
  EXPECT_EQ(msrs.read(0xce), uint64_t{25} << 8);
}

uint64_t scale(uint64_t ticks, TscScale by) {
  ticks = by.shift < 0 ? ticks >> -by.shift : ticks << by.shift;
  return static_cast<uint64_t>((static_cast<unsigned __int128>(ticks) * by.multiplier) >> 32);
}

TEST(KvmClock, ScalesTicksToNanoseconds) {
  for (uint64_t khz :
       {999u, 500'000u, 999'999u, 1'000'000u, 1'000'001u, 2'000'000u, 2'596'098u, 5'700'000u}) {
    TscScale by = tsc_scale(khz);
    uint64_t hour_ns = scale(khz * 1000 * 3600, by);
    EXPECT_NEAR(static_cast<double>(hour_ns), 3600e9, 3600e9 * 1e-6) << khz;
  }
}

TEST(KvmClock, FillsGuestStructures) {
  auto memory = GuestMemory::create({{0, 0x10000, 0}}).value();
  ManualClock clock;
  KvmClock kvm_clock(*memory, clock, 2'000'000, 12345);
  EXPECT_TRUE(kvm_clock.write_system_time(0x1000 | 1));
  uint64_t boot_tsc = 0;
  uint8_t flags = 0;
  ASSERT_TRUE(memory->read_value(0x1008, boot_tsc));
  ASSERT_TRUE(memory->read_value(0x1000 + 29, flags));
  EXPECT_EQ(boot_tsc, 12345u);
  EXPECT_EQ(flags, 1);
  EXPECT_TRUE(kvm_clock.write_wall_clock(0x2000));
  uint32_t seconds = 0;
  ASSERT_TRUE(memory->read_value(0x2004, seconds));
  EXPECT_EQ(seconds, clock.wall_ns() / 1'000'000'000);
  EXPECT_TRUE(kvm_clock.write_system_time(0xdead0000));  // not enabled: the address does not matter
  EXPECT_FALSE(kvm_clock.write_system_time(0xdead0001));
  EXPECT_FALSE(kvm_clock.write_wall_clock(0xfffe));
}

TEST(TimerThread, CallsBackInOrderUnderTheLock) {
  SystemClock clock;
  std::mutex device_lock;
  TimerThread service(clock, device_lock);
  std::string order;
  std::atomic<bool> done = false;
  auto late = service.create([&] {
    order += "3";
    done = true;
  });
  auto early = service.create([&] { order += "2"; });
  auto cancelled = service.create([&] { order += "x"; });
  std::unique_ptr<Timer> repeating;
  int repeats = 0;
  repeating = service.create([&] {
    order += "1";
    if (++repeats < 3) repeating->arm(0);
  });
  {
    std::lock_guard lock(device_lock);
    uint64_t now = clock.monotonic_ns();
    late->arm(now + 20'000'000);
    cancelled->arm(now + 5'000'000);
    early->arm(now + 30'000'000'000);
    early->arm(now + 10'000'000);
    repeating->arm(0);
    cancelled->disarm();
  }
  service.start();
  for (int tries = 0; tries < 30'000 && !done; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  service.stop();
  EXPECT_EQ(order, "11123");
}

TEST(TimerThread, AnEarlierDeadlineWakesTheSleeper) {
  SystemClock clock;
  std::mutex device_lock;
  TimerThread service(clock, device_lock);
  std::atomic<bool> fired = false;
  auto far = service.create([] {});
  auto near = service.create([&] { fired = true; });
  service.start();
  {
    std::lock_guard lock(device_lock);
    far->arm(clock.monotonic_ns() + 3'600'000'000'000);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // likely asleep by now; right either way
  {
    std::lock_guard lock(device_lock);
    near->arm(clock.monotonic_ns());
  }
  for (int tries = 0; tries < 30'000 && !fired; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(fired);
  service.stop();
}

}  // namespace
}  // namespace cumulet::hypervisor
