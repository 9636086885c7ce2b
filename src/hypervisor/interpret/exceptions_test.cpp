// Tests of exceptions, interrupts, IRET, system calls and debug traps.
#include <gtest/gtest.h>

#include "hypervisor/interpret/interpreter.h"
#include "hypervisor/interpret/test_guest.h"

namespace cumulet::hypervisor {
namespace {

// The frame that delivery left on a 64-bit stack.
struct Frame {
  uint64_t rip, cs, rflags, rsp, ss;
};

Frame frame_at(const TestGuest& guest, uint64_t address) {
  return {guest.get64(address), guest.get64(address + 8), guest.get64(address + 16),
          guest.get64(address + 24), guest.get64(address + 32)};
}

TEST(Exceptions, UserFaultGoesToTheKernelStackAndBack) {
  TestGuest guest;
  guest.enter_user_mode();
  guest.set_gate(13);
  guest.reg(kRsp) = TestGuest::kData + 0x1008;
  guest.state().rflags |= rflags::kIf;
  guest.code({0xf4});  // hlt at level 3
  guest.step();
  ASSERT_TRUE(guest.at_handler(13));
  EXPECT_EQ(guest.cpu.cpl(), 0);
  EXPECT_EQ(guest.reg(kRsp), TestGuest::kStack - 48);
  EXPECT_EQ(guest.get64(guest.reg(kRsp)), 0u);
  Frame frame = frame_at(guest, guest.reg(kRsp) + 8);
  EXPECT_EQ(frame.rip, TestGuest::kCode);
  EXPECT_EQ(frame.cs, TestGuest::kUserCode64);
  EXPECT_EQ(frame.rsp, TestGuest::kData + 0x1008);
  EXPECT_EQ(frame.ss, TestGuest::kUserData);
  EXPECT_EQ(frame.rflags, rflags::kFixed | rflags::kIf | rflags::kRf);
  EXPECT_EQ(guest.state().rflags & rflags::kIf, 0u);
  EXPECT_EQ(guest.state().segments[kSs].selector, 0);

  guest.reg(kRsp) += 8;
  guest.state().segments[kFs] = {0, Segment::kUnusable, 0, 0x123000};
  guest.state().segments[kDs].selector = TestGuest::kDataSelector;
  guest.state().segments[kDs].attributes = 0xc093;
  guest.code({0x48, 0xcf});  // iretq
  guest.step();
  EXPECT_EQ(guest.state().segments[kFs].base, 0x123000u);  // an empty FS keeps its base
  EXPECT_EQ(guest.state().segments[kDs].selector, 0);      // a level 0 segment does not stay
  EXPECT_EQ(guest.cpu.cpl(), 3);
  EXPECT_EQ(guest.state().rip, TestGuest::kCode);
  EXPECT_EQ(guest.reg(kRsp), TestGuest::kData + 0x1008);
  EXPECT_NE(guest.state().rflags & rflags::kIf, 0u);
}

TEST(Exceptions, StackIsAlignedAndIstIsUsed) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.set_gate(6, 0, 1);
  guest.reg(kRsp) = TestGuest::kStack - 3;
  guest.code({0x0f, 0x0b});  // ud2
  guest.step();
  ASSERT_TRUE(guest.at_handler(6));
  EXPECT_EQ(guest.reg(kRsp), TestGuest::kStack + 0x8000 - 40);
  EXPECT_EQ(frame_at(guest, guest.reg(kRsp)).rsp, TestGuest::kStack - 3);

  guest.enter_long_mode();
  guest.set_gate(6);
  guest.reg(kRsp) = TestGuest::kStack - 3;
  guest.step();
  EXPECT_EQ(guest.reg(kRsp), TestGuest::kStack - 16 - 40);
}

TEST(Exceptions, FaultInDeliveryBecomesDoubleThenTripleFault) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.set_gate(8, 0, 1);
  guest.code({0x0f, 0x0b});
  guest.step();  // #UD: no gate: #GP: no gate: #DF
  ASSERT_TRUE(guest.at_handler(8));
  EXPECT_EQ(guest.get64(guest.reg(kRsp)), 0u);
  EXPECT_EQ(frame_at(guest, guest.reg(kRsp) + 8).rip, TestGuest::kCode);

  guest.enter_long_mode();
  guest.state().idtr.limit = 0;
  std::optional<Exit> exit = guest.interpreter->step();
  ASSERT_TRUE(exit && std::holds_alternative<ShutdownExit>(*exit));
  EXPECT_EQ(guest.state().rip, TestGuest::kCode);
}

TEST(Exceptions, MissingGateGivesItsErrorCode) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.set_gate(13);
  guest.code({0xcd, 0x40});  // int 0x40
  guest.step();
  ASSERT_TRUE(guest.at_handler(13));
  EXPECT_EQ(guest.get64(guest.reg(kRsp)), 0x40u * 8 + 2);
}

TEST(Exceptions, SoftwareInterruptsCheckTheGatesLevel) {
  TestGuest guest;
  guest.enter_user_mode();
  guest.set_gate(13);
  guest.set_gate(0x80, 3);
  guest.set_gate(0x81, 0);
  guest.code({0xcd, 0x80});
  guest.step();
  ASSERT_TRUE(guest.at_handler(0x80));
  EXPECT_EQ(frame_at(guest, guest.reg(kRsp)).rip, TestGuest::kCode + 2);

  guest.enter_user_mode();
  guest.code({0xcd, 0x81});
  guest.step();
  ASSERT_TRUE(guest.at_handler(13));
  EXPECT_EQ(guest.get64(guest.reg(kRsp)), 0x81u * 8 + 2);
}

TEST(Exceptions, DivisionAndNonCanonicalAddressesFault) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.set_gate(0);
  guest.set_gate(12);
  guest.set_gate(13);
  guest.code({0xf7, 0xf1});  // div ecx, ecx = 0
  guest.step();
  EXPECT_TRUE(guest.at_handler(0));

  guest.enter_long_mode();
  guest.reg(kRbx) = 0x800000000000;
  guest.code({0x48, 0x8b, 0x03});  // mov rax, [rbx]
  guest.step();
  EXPECT_TRUE(guest.at_handler(13));

  guest.enter_long_mode();
  guest.reg(kRbp) = 0x800000000000;
  guest.code({0x48, 0x8b, 0x45, 0x00});  // mov rax, [rbp]
  guest.step();
  EXPECT_TRUE(guest.at_handler(12));
}

TEST(Exceptions, AlignmentAndUnmaskedFloatingPointErrorsFault) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.set_gate(13);
  guest.set_gate(16);
  guest.set_gate(19);
  guest.reg(kRbx) = TestGuest::kData + 8;
  guest.code({0x0f, 0x28, 0x03});  // movaps xmm0, [rbx]
  guest.step();
  EXPECT_TRUE(guest.at_handler(13));

  guest.enter_long_mode();
  store_le<uint32_t>(guest.state().xsave, 24, 0);    // all SIMD exceptions unmasked
  guest.code({0x0f, 0x57, 0xc0, 0x0f, 0x5e, 0xc0});  // xorps xmm0, xmm0; divps xmm0, xmm0
  guest.step();
  guest.step();
  EXPECT_TRUE(guest.at_handler(19));

  guest.enter_long_mode();
  guest.reg(kRbx) = TestGuest::kData;
  guest.put(TestGuest::kData, {0x7b, 0x03});  // zero divide unmasked
  guest.code(
      {0xd9, 0x2b, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9, 0x9b});  // fldcw [rbx]; fld1; fldz; fdivp; fwait
  for (int i = 0; i < 5; ++i) guest.step();
  EXPECT_TRUE(guest.at_handler(16));
}

TEST(Exceptions, LazyFloatingPointFaults) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.set_gate(6);
  guest.set_gate(7);
  guest.state().cr0 |= cr0::kTs;
  guest.code({0x0f, 0x57, 0xc0});  // xorps
  guest.step();
  EXPECT_TRUE(guest.at_handler(7));

  guest.enter_long_mode();
  guest.state().xcr0 = 3;
  guest.code({0xc5, 0xf8, 0x57, 0xc0});  // vxorps with AVX not enabled
  guest.step();
  EXPECT_TRUE(guest.at_handler(6));

  guest.enter_long_mode();
  guest.code({0x62, 0xf1, 0x7c, 0x48, 0x57, 0xc0});  // vxorps zmm0: AVX-512 does not exist here
  guest.step();
  EXPECT_TRUE(guest.at_handler(6));
}

TEST(Exceptions, SystemCallAndReturn) {
  TestGuest guest;
  guest.enter_user_mode();
  CpuState& s = guest.state();
  s.msr.star = uint64_t{0x1b} << 48 | uint64_t{0x08} << 32;
  s.msr.lstar = 0x19000;
  s.msr.fmask = rflags::kIf | rflags::kDf;
  s.rflags |= rflags::kIf | rflags::kCf;
  guest.code({0x0f, 0x05});
  guest.step();
  EXPECT_EQ(s.rip, 0x19000u);
  EXPECT_EQ(guest.cpu.cpl(), 0);
  EXPECT_EQ(guest.reg(kRcx), TestGuest::kCode + 2);
  EXPECT_EQ(guest.reg(kR11), rflags::kFixed | rflags::kIf | rflags::kCf);
  EXPECT_EQ(s.rflags, rflags::kFixed | rflags::kCf);
  EXPECT_EQ(s.segments[kCs].selector, 0x08);
  EXPECT_EQ(s.segments[kSs].selector, 0x10);
  guest.code({0x48, 0x0f, 0x07});
  guest.step();
  EXPECT_EQ(s.rip, TestGuest::kCode + 2);
  EXPECT_EQ(guest.cpu.cpl(), 3);
  EXPECT_EQ(s.segments[kCs].selector, TestGuest::kUserCode64);
  EXPECT_EQ(s.segments[kSs].selector, TestGuest::kUserData);
  EXPECT_EQ(s.rflags, rflags::kFixed | rflags::kIf | rflags::kCf);
}

TEST(Exceptions, InterruptsWaitForFlagAndShadow) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.set_gate(0x40);
  guest.code({0xfb, 0x90, 0x90});  // sti; nop; nop
  guest.cpu.pending_interrupt = 0x40;
  EXPECT_FALSE(guest.interpreter->deliver_pending());
  guest.step();
  EXPECT_FALSE(guest.interpreter->deliver_pending());  // the shadow of STI
  guest.step();
  EXPECT_TRUE(guest.interpreter->deliver_pending());
  EXPECT_TRUE(guest.at_handler(0x40));
  EXPECT_EQ(frame_at(guest, guest.reg(kRsp)).rip, TestGuest::kCode + 2);
  EXPECT_FALSE(guest.cpu.pending_interrupt.has_value());
}

TEST(Exceptions, NmiIsBlockedUntilIret) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.set_gate(2);
  guest.cpu.pending_nmi = true;
  EXPECT_TRUE(guest.interpreter->deliver_pending());
  ASSERT_TRUE(guest.at_handler(2));
  guest.cpu.pending_nmi = true;
  EXPECT_FALSE(guest.interpreter->deliver_pending());
  guest.code({0x48, 0xcf});
  guest.step();
  EXPECT_TRUE(guest.interpreter->deliver_pending());
}

TEST(Exceptions, SingleStepAndBreakpointsTrap) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.set_gate(1);
  guest.state().rflags |= rflags::kTf;
  guest.code({0x90});
  guest.step();
  ASSERT_TRUE(guest.at_handler(1));
  EXPECT_EQ(guest.state().dr6 & 0xe00f, 0x4000u);
  EXPECT_EQ(frame_at(guest, guest.reg(kRsp)).rip, TestGuest::kCode + 1);
  EXPECT_EQ(guest.state().rflags & rflags::kTf, 0u);

  guest.enter_long_mode();
  guest.state().dr[0] = TestGuest::kCode;
  guest.state().dr7 |= 2;  // execute, global
  guest.step();
  ASSERT_TRUE(guest.at_handler(1));
  EXPECT_EQ(guest.state().dr6 & 0xe00f, 1u);
  EXPECT_EQ(frame_at(guest, guest.reg(kRsp)).rip, TestGuest::kCode);

  guest.enter_long_mode();
  guest.state().dr[1] = TestGuest::kData + 4;
  guest.state().dr7 |= 8 | uint64_t{0xd} << 20;  // 4 bytes, write
  guest.reg(kRbx) = TestGuest::kData;
  guest.code({0x48, 0x89, 0x03});  // mov [rbx], rax
  guest.step();
  ASSERT_TRUE(guest.at_handler(1));
  EXPECT_EQ(guest.state().dr6 & 0xe00f, 2u);
  EXPECT_EQ(frame_at(guest, guest.reg(kRsp)).rip, TestGuest::kCode + 3);
}

TEST(Exceptions, ProtectedModePushes32BitFrames) {
  TestGuest guest;
  guest.enter_protected_mode();
  guest.put64(TestGuest::kIdt + 13 * 8, uint64_t{TestGuest::kHandlers} >> 16 << 48 | uint64_t{0x8e} << 40 |
                                            uint64_t{TestGuest::kCode32} << 16 |
                                            ((TestGuest::kHandlers + 13 * 16) & 0xffff));
  guest.code({0x0f, 0x01, 0x3d, 0, 0, 0, 0, 0x66, 0xb8, 0x33, 0x00, 0x8e,
              0xd8});  // invlpg [0]; mov ax,0x33; mov ds,ax
  guest.step();
  guest.step();
  guest.step();
  ASSERT_TRUE(guest.at_handler(13));
  uint64_t top = guest.get64(guest.reg(kRsp));
  EXPECT_EQ(top & 0xffffffff, 0x30u);  // a code segment that is readable but not for level 3
  EXPECT_EQ(top >> 32, TestGuest::kCode + 11);
  guest.reg(kRsp) += 4;
  guest.code({0xcf});
  guest.step();
  EXPECT_EQ(guest.state().rip, TestGuest::kCode + 11);
}

TEST(Exceptions, RealModeInterruptsUseTheVectorTable) {
  TestGuest guest;
  guest.enter_real_mode();
  guest.put64(0x21 * 4, 0x30000123);
  guest.code({0xcd, 0x21});
  guest.step();
  EXPECT_EQ(guest.state().segments[kCs].base, 0x30000u);
  EXPECT_EQ(guest.state().rip, 0x123u);
  EXPECT_EQ(guest.reg(kRsp), 0x8000u - 6);
  guest.code({0xcf});
  guest.step();
  EXPECT_EQ(guest.state().rip, 2u);
  EXPECT_EQ(guest.state().segments[kCs].base, TestGuest::kCode);
}

TEST(Exceptions, IllegalControlRegisterWritesFault) {
  struct Case {
    uint8_t modrm;  // mov cr, rax
    uint64_t value;
  };
  for (Case c : {Case{0xc0, uint64_t{1} << 32}, Case{0xc0, cr0::kPg}, Case{0xe0, 0},
                 Case{0xe0, cr4::kPae | 1 << 30}, Case{0xd8, uint64_t{1} << 60}}) {
    TestGuest guest;
    guest.enter_long_mode();
    guest.set_gate(13);
    guest.reg(kRax) = c.value;
    guest.code({0x0f, 0x22, c.modrm});
    guest.step();
    EXPECT_TRUE(guest.at_handler(13)) << std::hex << int{c.modrm} << " " << c.value;
  }
}

}  // namespace
}  // namespace cumulet::hypervisor
