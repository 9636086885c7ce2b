// Tests of the KVM engine on /dev/kvm: exits, interrupts, kicks, state; skipped where there is no KVM.
#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <thread>

#include "hypervisor/kvm/engine.h"
#include "hypervisor/kvm/kvm_cpuid.h"
#include "hypervisor/kvm/kvm_state.h"
#include "hypervisor/kvm/msr_filter.h"

namespace cumulet::hypervisor {
namespace {

constexpr GuestAddress kCode = 0x1000;

class KvmEngineTest : public testing::Test {
 protected:
  void SetUp() override {
    memory_ = GuestMemory::create({{0, 0x100000, 0}}).value();
    auto engine = create_kvm_engine(*memory_);
    if (!engine && (engine.error().code == ErrorCode::kUnsupported ||
                    engine.error().code == ErrorCode::kPermissionDenied))
      GTEST_SKIP() << engine.error().to_string();
    ASSERT_TRUE(engine) << engine.error().to_string();
    engine_ = std::move(*engine);
    auto vcpu = engine_->create_vcpu(0, engine_->supported_cpuid());
    ASSERT_TRUE(vcpu) << vcpu.error().to_string();
    vcpu_ = std::move(*vcpu);
  }

  // Places 16-bit code at kCode and points the vCPU there, in real mode with a stack.
  void load(std::initializer_list<uint8_t> code, uint64_t flags = 0) {
    std::vector<uint8_t> bytes(code);
    ASSERT_TRUE(memory_->write(kCode, bytes));
    CpuState state = reset_state();
    state.segments[kCs].selector = 0;
    state.segments[kCs].base = 0;
    state.rip = kCode;
    state.gpr[kRsp] = 0x8000;
    state.rflags |= flags;
    auto set = vcpu_->set_state(state);
    ASSERT_TRUE(set) << set.error().to_string();
  }

  template <typename T>
  T expect_exit() {
    Exit exit = vcpu_->run();
    if (auto* failure = std::get_if<FailureExit>(&exit)) ADD_FAILURE() << failure->reason;
    auto* wanted = std::get_if<T>(&exit);
    EXPECT_NE(wanted, nullptr) << "exit kind " << exit.index();
    return wanted != nullptr ? *wanted : T{};
  }

  std::unique_ptr<GuestMemory> memory_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Vcpu> vcpu_;
};

TEST_F(KvmEngineTest, PortsBothWaysThenHaltsUntilAnInterrupt) {
  load({0xb0, 0x41,                                                   // mov al, 0x41
        0xe6, 0x10,                                                   // out 0x10, al
        0xe5, 0x11,                                                   // in ax, 0x11
        0xfb, 0xf4,                                                   // sti; hlt
        0x40, 0xf4});                                                 // inc ax; hlt
  ASSERT_TRUE(memory_->write_value<uint32_t>(0x20 * 4, 0x00002000));  // vector 0x20 at 0000:2000
  const uint8_t handler[] = {0x43, 0xcf};                             // inc bx; iret
  ASSERT_TRUE(memory_->write(0x2000, handler));
  auto out = expect_exit<PortIoExit>();
  EXPECT_EQ(out.port, 0x10);
  EXPECT_EQ(out.direction, Direction::kWrite);
  ASSERT_EQ(out.data.size(), 1u);
  EXPECT_EQ(out.data[0], 0x41);
  auto in = expect_exit<PortIoExit>();
  EXPECT_EQ(in.direction, Direction::kRead);
  ASSERT_EQ(in.data.size(), 2u);
  store_le<uint16_t>(in.data, 0, 0x1234);
  expect_exit<HaltExit>();
  EXPECT_EQ(vcpu_->get_state().activity, Activity::kHalted);
  expect_exit<HaltExit>();  // running earlier is harmless
  EXPECT_EQ(vcpu_->get_state().gpr[kRax] & 0xffff, 0x1234u);
  ASSERT_TRUE(vcpu_->can_inject());
  vcpu_->inject(0x20);
  EXPECT_FALSE(vcpu_->can_inject());
  expect_exit<HaltExit>();
  EXPECT_EQ(vcpu_->get_state().gpr[kRax] & 0xffff, 0x1235u);
  EXPECT_EQ(vcpu_->get_state().gpr[kRbx] & 0xffff, 1u);
}

TEST_F(KvmEngineTest, TellsWhenTheInterruptWindowOpens) {
  load({0x90, 0xfb, 0x90, 0xeb, 0xfe});  // nop; sti; nop; jmp $
  EXPECT_FALSE(vcpu_->can_inject());
  vcpu_->request_interrupt_window();
  expect_exit<InterruptWindowExit>();
  EXPECT_TRUE(vcpu_->can_inject());
  EXPECT_GE(vcpu_->get_state().rip, kCode + 3);  // after the instruction that sti shadows
}

TEST_F(KvmEngineTest, KickEndsAnEndlessLoopAndIsNotLostBeforeRun) {
  load({0xeb, 0xfe});  // jmp $
  vcpu_->kick();
  expect_exit<InterruptedExit>();
  std::thread kicker([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    vcpu_->kick();
  });
  expect_exit<InterruptedExit>();
  kicker.join();
  EXPECT_EQ(vcpu_->get_state().rip, kCode);
}

TEST_F(KvmEngineTest, NoKickIsLostWhereverItHits) {
  constexpr uint32_t kRounds = 300;
  load({0xeb, 0xfe});  // jmp $
  std::atomic<uint32_t> wanted = 0;
  std::thread kicker([&] {
    for (uint32_t round = 1; round <= kRounds; ++round) {
      while (wanted.load() < round) std::this_thread::yield();
      vcpu_->kick();  // before, while or after run() enters the guest
    }
  });
  for (uint32_t round = 1; round <= kRounds; ++round) {
    wanted.store(round);
    expect_exit<InterruptedExit>();
  }
  kicker.join();
}

TEST_F(KvmEngineTest, GivesTheMachineItsRegisters) {
  load({0x66, 0xb9, 0x1b, 0x00, 0x00, 0x00,  // mov ecx, 0x1b (APIC base)
        0x0f, 0x32,                          // rdmsr
        0x66, 0xb9, 0x01, 0x4d, 0x56, 0x4b,  // mov ecx, 0x4b564d01 (kvmclock)
        0x0f, 0x30, 0xf4});                  // wrmsr; hlt
  auto read = expect_exit<MsrExit>();
  EXPECT_EQ(read.index, 0x1bu);
  ASSERT_EQ(read.direction, Direction::kRead);
  *read.value = 0x1'fee00900;
  auto write = expect_exit<MsrExit>();
  EXPECT_EQ(write.index, 0x4b564d01u);
  ASSERT_EQ(write.direction, Direction::kWrite);
  EXPECT_EQ(*write.value, 0x1'fee00900u);
  expect_exit<HaltExit>();
  EXPECT_TRUE(kvm_holds_msr(0xc0000080));
  EXPECT_FALSE(kvm_holds_msr(0x6e0));
}

TEST_F(KvmEngineTest, ReadsBackTheStateItWasGiven) {
  CpuState state = reset_state();
  for (size_t i = 0; i < state.gpr.size(); ++i) state.gpr[i] = 0x1111 * (i + 1);
  state.rip = 0x3000;
  state.segments[kCs].base = 0;
  state.segments[kCs].selector = 0;
  state.dr = {1, 2, 3, 4};
  state.msr.lstar = 0xffff800000001000;
  state.msr.kernel_gs_base = 0x5000;
  state.msr.sysenter_cs = 0x10;
  state.tsc_offset = 0x123456789;
  state.cr8 = 3;
  state.cr2 = 0x7777;
  auto set = vcpu_->set_state(state);
  ASSERT_TRUE(set) << set.error().to_string();
  CpuState got = vcpu_->get_state();
  EXPECT_EQ(got.gpr, state.gpr);
  EXPECT_EQ(got.rip, state.rip);
  EXPECT_EQ(got.dr, state.dr);
  EXPECT_EQ(got.msr.lstar, state.msr.lstar);
  EXPECT_EQ(got.msr.kernel_gs_base, state.msr.kernel_gs_base);
  EXPECT_EQ(got.msr.sysenter_cs, state.msr.sysenter_cs);
  EXPECT_EQ(got.msr.pat, state.msr.pat);
  // A KVM that emulates every instruction accepts the offset and leaves the guest the host's TSC; it says so
  // here.
  EXPECT_TRUE(got.tsc_offset == state.tsc_offset || got.tsc_offset == 0) << got.tsc_offset;
  EXPECT_EQ(got.cr8, 3u);
  EXPECT_EQ(vcpu_->get_cr8(), 3u);
  EXPECT_EQ(got.cr2, state.cr2);
  EXPECT_EQ(got.segments[kDs].limit, 0xffffu);
}

TEST_F(KvmEngineTest, RefusesAStateThatHardwareRefuses) {
  CpuState state = reset_state();
  state.msr.efer = efer::kLme | efer::kLma;
  state.cr0 |= cr0::kPe | cr0::kPg;  // long mode without PAE
  auto set = vcpu_->set_state(state);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(KvmEngineTest, TripleFaultIsShutdown) {
  load({0x0f, 0x0b});  // ud2
  CpuState state = vcpu_->get_state();
  state.cr0 |= cr0::kPe;
  state.segments[kCs] = {8, 0xc09b, 0xffffffff, 0};
  state.segments[kSs] = state.segments[kDs] = {16, 0xc093, 0xffffffff, 0};
  state.idtr = {0, 0};  // no vector fits: #UD, #GP, double fault, shutdown
  ASSERT_TRUE(vcpu_->set_state(state));
  expect_exit<ShutdownExit>();
}

TEST_F(KvmEngineTest, TellsAndOffersWhatTheContractAsks) {
  EXPECT_EQ(engine_->name(), "kvm");
  EXPECT_GT(engine_->tsc_khz(), 100'000u);
  EXPECT_EQ(engine_->supported_cpuid().find(0x40000000), nullptr);
  const CpuidResult* features = engine_->supported_cpuid().find(1);
  ASSERT_NE(features, nullptr);
  EXPECT_EQ(features->ecx & (1u << 5 | 1u << 21 | 1u << 24 | 1u << 31), 0u);
}

TEST(KvmCpuid, KeepsOnlyStateComponentsThatFit) {
  CpuidTable table;
  table.set({0xd, 0, true, {0x60207, 0x2b08, 0x2b08, 0}});
  table.set({0xd, 1, true, {0x1f, 0x100, 0x1800, 0}});
  table.set({0xd, 2, true, {0x100, 0x240, 0, 0}});
  table.set({0xd, 9, true, {8, 0xa80, 0, 0}});
  table.set({0xd, 18, true, {0x2000, 0xb00, 6, 0}});
  table.set({0x40000000, 0, false, {0x40000001, 1, 2, 3}});
  restrict_to_contract(table);
  EXPECT_EQ(table.query(0xd, 0).eax, 0x207u);
  EXPECT_EQ(table.query(0xd, 0).ecx, 0xa88u);
  EXPECT_EQ(table.query(0xd, 1), (CpuidResult{7, 0, 0, 0}));
  EXPECT_EQ(table.query(0xd, 18), CpuidResult{});
  EXPECT_EQ(table.find(0x40000000), nullptr);
}

TEST(KvmState, ConvertsThereAndBack) {
  CpuState state = startup_state(0x12);
  state.segments[kDs].attributes = 0xc093;
  state.segments[kDs].limit = 0xffffffff;
  state.segments[kFs].attributes = Segment::kUnusable;
  state.xsave[100] = 42;
  state.interrupt_shadow = true;
  KvmState kvm;
  to_kvm(state, kvm);
  EXPECT_EQ(linear_rip(kvm), 0x12000u);
  CpuState back = from_kvm(kvm);
  EXPECT_EQ(back.segments[kDs].attributes, 0xc093u);
  EXPECT_EQ(back.segments[kFs].attributes, Segment::kUnusable);
  EXPECT_EQ(back.segments[kCs].base, 0x12000u);
  EXPECT_EQ(back.xsave, state.xsave);
  EXPECT_TRUE(back.interrupt_shadow);
  kvm.events.interrupt.injected = 1;
  drop_pending_events(kvm);
  EXPECT_EQ(kvm.events.interrupt.injected, 0);
  EXPECT_TRUE(from_kvm(kvm).interrupt_shadow);
}

}  // namespace
}  // namespace cumulet::hypervisor
