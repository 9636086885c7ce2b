// Guest code that changes, and translated code that several vCPUs share.
#define XBYAK_NO_EXCEPTION
#include <atomic>
#include <gtest/gtest.h>
#include <thread>
#include <xbyak/xbyak.h>

#include "hypervisor/translate/test_guest.h"

namespace cumulet::hypervisor {
namespace {

using test::kCode;
using test::kData;
using test::TestGuest;

struct Code : Xbyak::CodeGenerator {
  Code() : Xbyak::CodeGenerator(1 << 20) {}
  std::vector<uint8_t> bytes() { return {getCode(), getCode() + getSize()}; }
};

class SharedCodeTest : public testing::TestWithParam<TranslateMode> {};

TEST_P(SharedCodeTest, CodeChangesAnotherBlock) {
  TestGuest guest(GetParam());
  constexpr uint64_t kFunction = kCode + 0x2000;
  guest.place(kFunction, {0xb8, 1, 0, 0, 0, 0xc3});  // mov eax, 1; ret
  Code code;
  Xbyak::Label loop;
  code.mov(code.rbx, kFunction);
  code.mov(code.ecx, 200);
  code.L(loop);
  code.mov(code.dword[code.rbx + 1], code.ecx);
  code.call(code.rbx);
  code.add(code.rdx, code.rax);
  code.dec(code.ecx);
  code.jnz(loop);
  code.hlt();
  guest.place(kCode, code.bytes());
  guest.set_state(TestGuest::start_state());
  EXPECT_EQ(guest.run_to_halt().gpr[kRdx], 200 * 201 / 2);
}

TEST_P(SharedCodeTest, CodeChangesItsOwnBlock) {
  TestGuest guest(GetParam());
  Code code;
  Xbyak::Label patched;
  code.lea(code.rbx, code.ptr[code.rip + patched]);
  code.mov(code.byte[code.rbx + 1], 77);
  code.L(patched);
  code.mov(code.eax, 1);
  code.hlt();
  guest.place(kCode, code.bytes());
  guest.set_state(TestGuest::start_state());
  EXPECT_EQ(guest.run_to_halt().gpr[kRax], 77);
}

TEST_P(SharedCodeTest, DataBesideCodeInOnePage) {
  TestGuest guest(GetParam());
  Code code;
  Xbyak::Label loop;
  code.mov(code.rbx, kCode + 0x800);
  code.mov(code.ecx, 1000);
  code.L(loop);
  code.inc(code.qword[code.rbx]);
  code.dec(code.ecx);
  code.jnz(loop);
  code.hlt();
  guest.place(kCode, code.bytes());
  guest.set_state(TestGuest::start_state());
  (void)guest.run_to_halt();
  EXPECT_EQ(guest.read(kCode + 0x800), 1000);
}

TEST_P(SharedCodeTest, DevicesChangeCode) {
  TestGuest guest(GetParam());
  for (uint8_t value = 1; value < 20; ++value) {
    guest.place(kCode, {0xb8, value, 0, 0, 0, 0xf4});  // mov eax, value; hlt
    guest.set_state(TestGuest::start_state());
    EXPECT_EQ(guest.run_to_halt().gpr[kRax], value);
  }
}

// More code than fits into the smallest cache, twice through: blocks are made again after the cache was
// emptied.
TEST_P(SharedCodeTest, FullCacheIsEmptied) {
  constexpr uint32_t kBlocks = 12000;
  TestGuest guest(GetParam(), 1, uint64_t{1} << 20);
  Code code;
  Xbyak::Label again;
  code.mov(code.ebp, 2);
  code.mov(code.rbx, kData);
  code.L(again);
  for (uint32_t i = 0; i < kBlocks; ++i) {
    Xbyak::Label next;
    code.add(code.qword[code.rbx], 1);
    code.jmp(next);
    code.L(next);
  }
  code.dec(code.ebp);
  code.jnz(again, Xbyak::CodeGenerator::T_NEAR);
  code.hlt();
  guest.place(kCode, code.bytes());
  guest.set_state(TestGuest::start_state());
  (void)guest.run_to_halt();
  EXPECT_EQ(guest.read(kData), 2 * kBlocks);
}

// The same by two processors at once, each of which empties the cache under the other.
TEST_P(SharedCodeTest, FullCacheIsEmptiedUnderAnotherProcessor) {
  constexpr uint32_t kBlocks = 12000;
  TestGuest guest(GetParam(), 2, uint64_t{1} << 20);
  Code code;
  Xbyak::Label again;
  code.mov(code.ebp, 2);
  code.L(again);
  for (uint32_t i = 0; i < kBlocks; ++i) {
    Xbyak::Label next;
    code.lock();
    code.add(code.qword[code.rbx], 1);
    code.jmp(next);
    code.L(next);
  }
  code.dec(code.ebp);
  code.jnz(again, Xbyak::CodeGenerator::T_NEAR);
  code.hlt();
  guest.place(kCode, code.bytes());
  for (uint32_t i = 0; i < 2; ++i) {
    CpuState state = TestGuest::start_state();
    state.gpr[kRsp] -= i * 0x1000;
    state.gpr[kRbx] = kData;
    guest.set_state(state, i);
  }
  std::thread second([&] { (void)guest.run_to_halt(1); });
  (void)guest.run_to_halt(0);
  second.join();
  EXPECT_EQ(guest.read(kData), 2 * 2 * kBlocks);
}

TEST_P(SharedCodeTest, LockedAdditionsOfTwoProcessors) {
  constexpr uint64_t kRounds = 20000;
  TestGuest guest(GetParam(), 2);
  Code code;
  Xbyak::Label loop;
  code.mov(code.rbx, kData);
  code.mov(code.ecx, kRounds);
  code.L(loop);
  code.lock();
  code.inc(code.qword[code.rbx]);
  code.dec(code.ecx);
  code.jnz(loop);
  code.hlt();
  guest.place(kCode, code.bytes());
  for (uint32_t i = 0; i < 2; ++i) {
    CpuState state = TestGuest::start_state();
    state.gpr[kRsp] -= i * 0x1000;
    guest.set_state(state, i);
  }
  std::thread second([&] { (void)guest.run_to_halt(1); });
  (void)guest.run_to_halt(0);
  second.join();
  EXPECT_EQ(guest.read(kData), 2 * kRounds);
}

// One vCPU runs a function in a loop, while another thread rewrites the function as a device would. The vCPU
// must see the last version soon; every version that it sees must be whole.
TEST_P(SharedCodeTest, CodeChangesUnderARunningProcessor) {
  constexpr uint64_t kFunction = kCode + 0x2000;
  constexpr uint8_t kLast = 100;
  TestGuest guest(GetParam());
  guest.place(kFunction, {0xb8, 1, 0, 0, 0, 0xc3});
  Code code;
  Xbyak::Label loop;
  code.mov(code.rbx, kFunction);
  code.L(loop);
  code.call(code.rbx);
  code.cmp(code.eax, kLast);
  code.jne(loop);
  code.hlt();
  guest.place(kCode, code.bytes());
  guest.set_state(TestGuest::start_state());
  std::thread writer([&] {
    for (uint8_t value = 2; value <= kLast; ++value) guest.place(kFunction + 1, {value});
  });
  EXPECT_EQ(guest.run_to_halt().gpr[kRax], kLast);
  writer.join();
}

INSTANTIATE_TEST_SUITE_P(Modes, SharedCodeTest, testing::ValuesIn(test::kAllModes), test::kModeName);

}  // namespace
}  // namespace cumulet::hypervisor
