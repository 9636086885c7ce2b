// Tests of what changes privilege besides interrupts in long mode: gates, far returns, 32-bit interrupts,
// SYSENTER.
#include <gtest/gtest.h>

#include "hypervisor/interpret/interpreter.h"
#include "hypervisor/interpret/test_guest.h"

namespace cumulet::hypervisor {
namespace {

constexpr uint64_t kGateTarget = 0x19000;
constexpr uint16_t kGateSelector = 0x60, kLdtSelector = 0x70, kUserCode32 = 0x83;

// A call gate at kGateSelector for level 3, with its upper half.
void put_call_gate(TestGuest& guest, uint16_t code_selector, uint8_t dpl) {
  guest.put64(TestGuest::kGdt + kGateSelector, (kGateTarget & 0xffff) | uint64_t{code_selector} << 16 |
                                                   uint64_t{0x8c} << 40 | uint64_t{dpl} << 45 |
                                                   (kGateTarget >> 16) << 48);
  guest.put64(TestGuest::kGdt + kGateSelector + 8, 0);
}

// call far [rbx], where the pointer in memory names the gate.
void put_far_call(TestGuest& guest) {
  guest.put(TestGuest::kData, {0, 0, 0, 0, kGateSelector | 3, 0});
  guest.reg(kRbx) = TestGuest::kData;
  guest.code({0xff, 0x1b});
}

TEST(Privilege, CallGateEntersTheKernelAndFarReturnLeavesIt) {
  TestGuest guest;
  guest.enter_user_mode();
  guest.reg(kRsp) = TestGuest::kData + 0x1000;
  put_call_gate(guest, TestGuest::kCode64, 3);
  put_far_call(guest);
  guest.step();
  EXPECT_EQ(guest.state().rip, kGateTarget);
  EXPECT_EQ(guest.cpu.cpl(), 0);
  EXPECT_EQ(guest.reg(kRsp), TestGuest::kStack - 32);
  EXPECT_EQ(guest.get64(TestGuest::kStack - 32), TestGuest::kCode + 2);
  EXPECT_EQ(guest.get64(TestGuest::kStack - 24), TestGuest::kUserCode64);
  EXPECT_EQ(guest.get64(TestGuest::kStack - 16), TestGuest::kData + 0x1000);
  guest.code({0x48, 0xcb});  // retfq
  guest.step();
  EXPECT_EQ(guest.state().rip, TestGuest::kCode + 2);
  EXPECT_EQ(guest.cpu.cpl(), 3);
  EXPECT_EQ(guest.reg(kRsp), TestGuest::kData + 0x1000);
}

TEST(Privilege, CallGateOfAnInnerLevelIsRefused) {
  TestGuest guest;
  guest.enter_user_mode();
  guest.set_gate(13);
  put_call_gate(guest, TestGuest::kCode64, 0);
  put_far_call(guest);
  guest.step();
  ASSERT_TRUE(guest.at_handler(13));
  EXPECT_EQ(guest.get64(guest.reg(kRsp)), kGateSelector);
}

TEST(Privilege, CallGateOfTheSameLevelPushesOnTheSameStack) {
  TestGuest guest;
  guest.enter_long_mode();
  put_call_gate(guest, TestGuest::kCode64, 3);
  put_far_call(guest);
  guest.step();
  EXPECT_EQ(guest.state().rip, kGateTarget);
  EXPECT_EQ(guest.reg(kRsp), TestGuest::kStack - 16);
}

TEST(Privilege, FarJumpsToATssOrBeyondTheTableFault) {
  for (uint16_t selector : {TestGuest::kTssSelector, uint16_t{0x1000}}) {
    TestGuest guest;
    guest.enter_long_mode();
    guest.set_gate(13);
    guest.put(TestGuest::kData,
              {0, 0, 0, 0, static_cast<uint8_t>(selector), static_cast<uint8_t>(selector >> 8)});
    guest.reg(kRbx) = TestGuest::kData;
    guest.code({0xff, 0x2b});  // jmp far [rbx]
    guest.step();
    ASSERT_TRUE(guest.at_handler(13));
    EXPECT_EQ(guest.get64(guest.reg(kRsp)), selector);
  }
}

TEST(Privilege, TaskSwitchesEndTheGuestWithAReason) {
  TestGuest guest;
  guest.enter_protected_mode();
  guest.code({0xea, 0, 0, 0, 0, TestGuest::kTssSelector, 0});
  std::optional<Exit> exit = guest.interpreter->step();
  ASSERT_TRUE(exit && std::holds_alternative<FailureExit>(*exit));
  EXPECT_NE(std::get<FailureExit>(*exit).reason.find("task"), std::string::npos);
}

TEST(Privilege, ProtectedModeInterruptsSwitchStacks) {
  TestGuest guest;
  guest.enter_protected_mode();
  guest.put64(TestGuest::kGdt + (kUserCode32 & 0xf8), 0x00cffb000000ffff);
  guest.put64(TestGuest::kTss + 4, TestGuest::kStack | uint64_t{TestGuest::kDataSelector} << 32);
  CpuState& s = guest.state();
  s.segments.fill({TestGuest::kUserData, 0xc0f3, 0xffffffff, 0});
  s.segments[kCs] = {kUserCode32, 0xc0fb, 0xffffffff, 0};
  s.gpr[kRsp] = TestGuest::kData + 0x1000;
  s.rflags |= rflags::kIf;
  constexpr uint64_t kHandler = TestGuest::kHandlers + 0x80 * 16;
  guest.put64(TestGuest::kIdt + 0x80 * 8, (kHandler & 0xffff) | uint64_t{TestGuest::kCode32} << 16 |
                                              uint64_t{0xee} << 40 | (kHandler >> 16) << 48);
  guest.code({0xcd, 0x80});
  guest.step();
  ASSERT_EQ(s.rip, kHandler);
  EXPECT_EQ(guest.cpu.cpl(), 0);
  EXPECT_EQ(s.gpr[kRsp], TestGuest::kStack - 20);
  EXPECT_EQ(guest.get64(TestGuest::kStack - 20), (TestGuest::kCode + 2) | uint64_t{kUserCode32} << 32);
  EXPECT_EQ(guest.get64(TestGuest::kStack - 8),
            (TestGuest::kData + 0x1000) | uint64_t{TestGuest::kUserData} << 32);
  guest.code({0xcf});
  guest.step();
  EXPECT_EQ(s.rip, TestGuest::kCode + 2);
  EXPECT_EQ(guest.cpu.cpl(), 3);
  EXPECT_EQ(s.gpr[kRsp], TestGuest::kData + 0x1000);
  EXPECT_NE(s.rflags & rflags::kIf, 0u);
}

TEST(Privilege, AlignmentFaultsOnTheHandlersOwnStackEnd) {
  TestGuest guest;
  guest.enter_protected_mode();
  guest.put64(TestGuest::kGdt + (kUserCode32 & 0xf8), 0x00cffb000000ffff);
  CpuState& s = guest.state();
  s.segments.fill({TestGuest::kUserData, 0xc0f3, 0xffffffff, 0});
  s.segments[kCs] = {kUserCode32, 0xc0fb, 0xffffffff, 0};
  s.cr0 |= cr0::kAm;
  s.rflags |= rflags::kAc;
  s.gpr[kRsp] = TestGuest::kData + 0x1001;
  constexpr uint64_t kHandler = TestGuest::kHandlers;
  for (uint64_t vector : {17, 6}) {  // handlers at level 3, on the misaligned stack itself
    guest.put64(TestGuest::kIdt + vector * 8, (kHandler & 0xffff) | uint64_t{kUserCode32} << 16 |
                                                  uint64_t{0xee} << 40 | (kHandler >> 16) << 48);
  }
  guest.code({0x0f, 0x0b});
  std::optional<Exit> exit = guest.interpreter->step();
  EXPECT_TRUE(exit && std::holds_alternative<ShutdownExit>(*exit));
}

TEST(Privilege, SysenterAndSysexit) {
  TestGuest guest;
  guest.enter_user_mode();
  CpuState& s = guest.state();
  s.msr.sysenter_cs = 0x08;
  s.msr.sysenter_esp = TestGuest::kStack;
  s.msr.sysenter_eip = kGateTarget;
  s.rflags |= rflags::kIf;
  guest.code({0x0f, 0x34});
  guest.step();
  EXPECT_EQ(s.rip, kGateTarget);
  EXPECT_EQ(guest.cpu.cpl(), 0);
  EXPECT_EQ(s.gpr[kRsp], TestGuest::kStack);
  EXPECT_EQ(s.rflags & rflags::kIf, 0u);
  guest.reg(kRdx) = TestGuest::kCode + 2;
  guest.reg(kRcx) = TestGuest::kData;
  guest.code({0x48, 0x0f, 0x35});  // sysexit to 64-bit code
  guest.step();
  EXPECT_EQ(s.rip, TestGuest::kCode + 2);
  EXPECT_EQ(guest.cpu.cpl(), 3);
  EXPECT_EQ(s.gpr[kRsp], TestGuest::kData);
  EXPECT_EQ(s.segments[kCs].selector, TestGuest::kUserCode64);
}

TEST(Privilege, LdtIsLoadedAndUsed) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.put64(TestGuest::kGdt + kLdtSelector, 0x00008200000000ff | uint64_t{TestGuest::kData} << 16);
  guest.put64(TestGuest::kGdt + kLdtSelector + 8, 0);
  guest.put64(TestGuest::kData + 8, 0x00cf93000000ffff | uint64_t{0x1234} << 16);
  guest.reg(kRax) = kLdtSelector;
  guest.reg(kRcx) = 0x0c;  // entry 1 of the LDT
  guest.code({0x0f, 0x00, 0xd0, 0x8e, 0xe9, 0x0f, 0x00, 0xc2, 0x0f, 0x03,
              0xf0});  // lldt ax; mov gs,cx; sldt edx; lsl esi,ax
  for (int i = 0; i < 4; ++i) guest.step();
  EXPECT_EQ(guest.state().ldtr.base, TestGuest::kData);
  EXPECT_EQ(guest.state().segments[kGs].base, 0x1234u);
  EXPECT_EQ(guest.reg(kRdx), kLdtSelector);
  EXPECT_EQ(guest.reg(kRsi), 0xffu);
  EXPECT_NE(guest.state().rflags & rflags::kZf, 0u);
}

TEST(Privilege, RaiseDeliversForTranslatedCode) {
  TestGuest guest;
  guest.enter_user_mode();
  guest.set_gate(14);
  EXPECT_FALSE(guest.interpreter->raise({14, true, 6, 0x5000}).has_value());
  ASSERT_TRUE(guest.at_handler(14));
  EXPECT_EQ(guest.state().cr2, 0x5000u);
  EXPECT_EQ(guest.get64(guest.reg(kRsp)), 6u);
}

}  // namespace
}  // namespace cumulet::hypervisor
