// What guests must not notice: each test runs interpreted, in single-instruction blocks, and in chained
// blocks.
#define XBYAK_NO_EXCEPTION
#include <gtest/gtest.h>
#include <thread>
#include <xbyak/xbyak.h>

#include "hypervisor/translate/test_guest.h"

namespace cumulet::hypervisor {
namespace {

using test::kCode;
using test::kData;
using test::kDevice;
using test::kHandlers;
using test::kStackTop;
using test::TestGuest;

// Guest code, assembled for kCode.
struct Code : Xbyak::CodeGenerator {
  Code() : Xbyak::CodeGenerator(1 << 16) {}
  std::vector<uint8_t> bytes() { return {getCode(), getCode() + getSize()}; }
};

class EngineTest : public testing::TestWithParam<TranslateMode> {
 protected:
  CpuState run(Code& code) {
    guest.place(kCode, code.bytes());
    guest.set_state(TestGuest::start_state());
    return guest.run_to_halt();
  }

  TestGuest guest{GetParam()};
};

TEST_P(EngineTest, LoopsAndFlagsAcrossMemoryAccesses) {
  Code code;
  Xbyak::Label loop, below;
  code.mov(code.rbx, kData);
  code.xor_(code.eax, code.eax);
  code.mov(code.ecx, 1000);
  code.L(loop);
  code.add(code.rax, code.rcx);
  code.cmp(code.rcx, 500);  // these flags live across the store and the load
  code.mov(code.qword[code.rbx], code.rax);
  code.mov(code.rdx, code.qword[code.rbx]);
  code.jb(below);
  code.inc(code.rsi);
  code.L(below);
  code.adc(code.rdi, 0);
  code.dec(code.rcx);
  code.jnz(loop);
  code.hlt();
  CpuState state = run(code);
  EXPECT_EQ(state.gpr[kRax], 500500);
  EXPECT_EQ(state.gpr[kRdx], 500500);
  EXPECT_EQ(state.gpr[kRsi], 501);
  EXPECT_EQ(state.gpr[kRdi], 499);
  EXPECT_EQ(guest.read(kData), 500500);
}

TEST_P(EngineTest, AccessesThatCrossPagesAndEveryAddressingForm) {
  Code code;
  code.mov(code.rbp, kData + 0xffd);
  code.mov(code.rax, 0x1122334455667788);
  code.mov(code.qword[code.rbp], code.rax);  // over a page boundary
  code.mov(code.ecx, 2);
  code.movzx(code.edx, code.word[code.rbp + code.rcx * 1]);
  code.mov(code.r12, kData);
  code.mov(code.esi, kData + 0x100);
  code.mov(code.byte[code.rsi], code.ah);  // not with a REX prefix
  code.add(code.dword[code.r12 + code.rcx * 8 + 0x200], 7);
  code.mov(code.r8, code.rsp);
  code.mov(code.qword[code.rsp - 64], code.rsp);
  code.mov(code.r9, code.qword[code.rsp - 64]);
  code.xchg(code.r9, code.qword[code.r12]);
  code.hlt();
  CpuState state = run(code);
  EXPECT_EQ(guest.read(kData + 0xffd), 0x1122334455667788);
  EXPECT_EQ(state.gpr[kRdx], 0x5566);
  EXPECT_EQ(guest.read(kData + 0x100) & 0xff, 0x77);
  EXPECT_EQ(guest.read(kData + 0x210), 7);
  EXPECT_EQ(guest.read(kData), kStackTop);
}

TEST_P(EngineTest, StackInstructions) {
  Code code;
  Xbyak::Label function, behind;
  code.mov(code.rbx, kData);
  code.push(0x1234);
  code.push(code.rsp);
  code.pop(code.rcx);  // rsp before the push
  code.pop(code.qword[code.rbx]);
  code.stc();
  code.pushfq();
  code.pop(code.rdx);
  code.push(code.qword[code.rbx]);
  code.push(code.rbp);
  code.mov(code.rbp, code.rsp);
  code.sub(code.rsp, 0x40);
  code.leave();
  code.pop(code.rsi);
  code.mov(code.edi, 5);
  code.call(function);
  code.lea(code.rax, code.ptr[code.rip + behind]);
  code.push(code.rax);
  code.pop(code.r9);
  code.jmp(code.r9);
  code.ud2();
  code.L(behind);
  code.hlt();
  code.L(function);
  code.lea(code.r8, code.ptr[code.rdi + code.rdi]);
  code.ret();
  CpuState state = run(code);
  EXPECT_EQ(state.gpr[kRcx], kStackTop - 8);
  EXPECT_EQ(guest.read(kData), 0x1234);
  EXPECT_EQ(state.gpr[kRdx] & 3, 3);  // CF and the fixed bit
  EXPECT_EQ(state.gpr[kRsi], 0x1234);
  EXPECT_EQ(state.gpr[kR8], 10);
  EXPECT_EQ(state.gpr[kRsp], kStackTop);
}

TEST_P(EngineTest, BitStringsReachBeyondTheOperand) {
  Code code;
  code.mov(code.rbx, kData + 64);
  code.mov(code.rcx, -65);
  code.bts(code.qword[code.rbx], code.rcx);
  code.mov(code.ecx, 100);
  code.lock();
  code.bts(code.dword[code.rbx], code.ecx);
  code.bt(code.dword[code.rbx], code.ecx);
  code.setc(code.al);
  code.hlt();
  CpuState state = run(code);
  EXPECT_EQ(guest.read(kData + 64 - 16), uint64_t{1} << 63);
  EXPECT_EQ(guest.read(kData + 64 + 8), uint64_t{1} << 36);
  EXPECT_EQ(state.gpr[kRax] & 1, 1);
}

TEST_P(EngineTest, VectorStateSurvivesEverything) {
  Code code;
  code.mov(code.eax, 42);
  code.vmovd(code.xmm3, code.eax);
  code.vpbroadcastd(code.ymm3, code.xmm3);
  code.mov(code.rbx, kData);
  code.mov(code.qword[code.rbx + 0x5000], code.rbx);  // a TLB miss
  code.cpuid();                                       // an interpreted instruction
  code.mov(code.rbx, kData);
  code.vmovdqu(code.ptr[code.rbx], code.ymm3);
  code.fld1();
  code.fldpi();
  code.fistp(code.dword[code.rbx + 64]);
  code.hlt();
  CpuState state = run(code);
  EXPECT_EQ(guest.read(kData + 24), 0x2a0000002a);
  EXPECT_EQ(guest.read(kData + 64), 3);
  EXPECT_EQ(load_le<uint64_t>(state.xsave, 32), uint64_t{1} << 63);  // st(0) = 1.0
}

TEST_P(EngineTest, MmioAndPortsStopExactly) {
  Code code;
  code.mov(code.rbx, kDevice);
  code.mov(code.rcx, 0x55);
  code.cmp(code.rcx, 0x55);
  code.mov(code.dword[code.rbx + 8], code.ecx);
  code.sete(code.dl);
  code.mov(code.rax, code.qword[code.rbx]);
  code.out_(code.dx, code.al);
  code.hlt();
  guest.place(kCode, code.bytes());
  guest.set_state(TestGuest::start_state());

  Exit exit = guest.vcpu().run();
  auto* mmio = std::get_if<MmioExit>(&exit);
  ASSERT_NE(mmio, nullptr);
  EXPECT_EQ(mmio->address, kDevice + 8);
  EXPECT_EQ(mmio->direction, Direction::kWrite);
  EXPECT_EQ(load_le<uint32_t>(mmio->data), 0x55);

  exit = guest.vcpu().run();
  mmio = std::get_if<MmioExit>(&exit);
  ASSERT_NE(mmio, nullptr);
  EXPECT_EQ(mmio->direction, Direction::kRead);
  store_le<uint64_t>(mmio->data, 0, 0x7766554433221100);

  exit = guest.vcpu().run();
  auto* port = std::get_if<PortIoExit>(&exit);
  ASSERT_NE(port, nullptr);
  EXPECT_EQ(port->port, 1);
  CpuState state = guest.run_to_halt();
  EXPECT_EQ(state.gpr[kRax], 0x7766554433221100);
}

TEST_P(EngineTest, FaultsInTheMiddleOfABlock) {
  Code code;
  code.mov(code.ebx, 1);
  code.mov(code.esi, kData);
  code.mov(code.dword[code.rsi], code.ebx);  // leaves scratch registers spilled
  code.xor_(code.ecx, code.ecx);
  size_t fault = code.getSize();
  code.div(code.ecx);
  code.mov(code.ebx, 2);
  code.hlt();
  CpuState state = run(code);
  EXPECT_EQ(state.rip, kHandlers + 0 + 1);
  EXPECT_EQ(guest.read(state.gpr[kRsp]), kCode + fault);
  EXPECT_EQ(state.gpr[kRbx], 1);
  EXPECT_EQ(state.gpr[kRsi], kData);
  EXPECT_EQ(state.gpr[kRdi], 0);
}

TEST_P(EngineTest, MisalignedVectorOperandIsAGeneralProtectionFault) {
  Code code;
  code.mov(code.rbx, kData + 1);
  size_t fault = code.getSize();
  code.movaps(code.xmm0, code.ptr[code.rbx]);
  code.hlt();
  CpuState state = run(code);
  EXPECT_EQ(state.rip, kHandlers + 13 + 1);
  EXPECT_EQ(guest.read(state.gpr[kRsp] + 8), kCode + fault);
}

TEST_P(EngineTest, JumpOutOfCanonicalSpaceFaultsAtTheJump) {
  Code code;
  code.mov(code.rax, uint64_t{1} << 47);
  code.push(code.rax);
  size_t fault = code.getSize();
  code.ret();
  CpuState state = run(code);
  EXPECT_EQ(state.rip, kHandlers + 13 + 1);
  EXPECT_EQ(guest.read(state.gpr[kRsp] + 8), kCode + fault);
  EXPECT_EQ(guest.read(state.gpr[kRsp] + 8 + 24), kStackTop - 8);
}

TEST_P(EngineTest, ReadTscAddsTheOffset) {
  Code code;
  code.rdtsc();
  code.shl(code.rdx, 32);
  code.or_(code.rax, code.rdx);
  code.hlt();
  guest.place(kCode, code.bytes());
  CpuState state = TestGuest::start_state();
  state.tsc_offset = uint64_t{1} << 60;
  guest.set_state(state);
  state = guest.run_to_halt();
  EXPECT_GE(state.gpr[kRax], uint64_t{1} << 60);
  EXPECT_LT(state.gpr[kRax], uint64_t{1} << 61);
}

TEST_P(EngineTest, KickEndsAnEndlessLoop) {
  Code code;
  Xbyak::Label self;
  code.nop();
  code.L(self);
  code.jmp(self);
  guest.place(kCode, code.bytes());
  guest.set_state(TestGuest::start_state());
  std::thread kicker([&] { guest.vcpu().kick(); });
  Exit exit = guest.vcpu().run();
  kicker.join();
  EXPECT_TRUE(std::holds_alternative<InterruptedExit>(exit));
  uint64_t rip = guest.vcpu().get_state().rip;
  EXPECT_TRUE(rip == kCode || rip == kCode + 1) << rip;

  guest.vcpu().kick();  // before run(): it returns at once
  exit = guest.vcpu().run();
  EXPECT_TRUE(std::holds_alternative<InterruptedExit>(exit));
}

TEST_P(EngineTest, InterruptWindowOpensAfterTheShadow) {
  Code code;
  code.cli();
  code.mov(code.eax, 1);
  code.sti();
  code.mov(code.eax, 2);
  code.mov(code.eax, 3);
  code.cli();
  code.hlt();
  guest.place(kCode, code.bytes());
  guest.set_state(TestGuest::start_state());
  EXPECT_FALSE(guest.vcpu().can_inject());
  guest.vcpu().request_interrupt_window();
  Exit exit = guest.vcpu().run();
  ASSERT_TRUE(std::holds_alternative<InterruptWindowExit>(exit));
  EXPECT_EQ(guest.vcpu().get_state().gpr[kRax], 2);
  ASSERT_TRUE(guest.vcpu().can_inject());
  guest.vcpu().inject(0x40);
  CpuState state = guest.run_to_halt();
  EXPECT_EQ(state.rip, kHandlers + 0x40 + 1);
}

TEST_P(EngineTest, RefusesImpossibleStates) {
  CpuState state = TestGuest::start_state();
  state.cr0 &= ~cr0::kPe;
  EXPECT_FALSE(guest.vcpu().set_state(state).has_value());
  state = TestGuest::start_state();
  state.rip = uint64_t{1} << 50;
  EXPECT_FALSE(guest.vcpu().set_state(state).has_value());
  state = TestGuest::start_state();
  state.xcr0 = 0;
  EXPECT_FALSE(guest.vcpu().set_state(state).has_value());
}

INSTANTIATE_TEST_SUITE_P(Modes, EngineTest, testing::ValuesIn(test::kAllModes), test::kModeName);

}  // namespace
}  // namespace cumulet::hypervisor
