// Tests of instructions in each mode: moves, stacks, flow, strings, ports, MMIO.
#include "hypervisor/interpret/interpreter.h"

#include <gtest/gtest.h>

#include "hypervisor/interpret/test_guest.h"

namespace cumulet::hypervisor {
namespace {

TEST(Interpreter, MovesAddsAndStoresInLongMode) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.reg(kRbx) = TestGuest::kData;
  guest.code({0x48, 0xb8, 0xf0, 0xde, 0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12,  // mov rax, imm64
              0x48, 0x83, 0xc0, 0x10,                                      // add rax, 0x10
              0x48, 0x89, 0x43, 0x08,                                      // mov [rbx+8], rax
              0x48, 0x01, 0x43, 0x08,                                      // add [rbx+8], rax
              0x48, 0x83, 0xec, 0x20});                                    // sub rsp, 0x20
  for (int i = 0; i < 5; ++i) guest.step();
  EXPECT_EQ(guest.reg(kRax), 0x123456789abcdf00u);
  EXPECT_EQ(guest.get64(TestGuest::kData + 8), 2 * 0x123456789abcdf00u);
  EXPECT_EQ(guest.reg(kRsp), TestGuest::kStack - 0x20);
  EXPECT_EQ(guest.state().rip, TestGuest::kCode + 26);
}

TEST(Interpreter, Writes32BitsClearTheUpperHalf) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.reg(kRax) = guest.reg(kRcx) = ~uint64_t{0};
  guest.code({0x89, 0xc8, 0xb4, 0x55, 0x66, 0xb8, 0x34, 0x12});  // mov eax,ecx; mov ah,0x55; mov ax,0x1234
  guest.step();
  EXPECT_EQ(guest.reg(kRax), 0xffffffffu);
  guest.step();
  EXPECT_EQ(guest.reg(kRax), 0xffff55ffu);
  guest.step();
  EXPECT_EQ(guest.reg(kRax), 0xffff1234u);
}

TEST(Interpreter, CallAndReturnUseTheStack) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.code({0xe8, 0x0b, 0x00, 0x00, 0x00});              // call +0x0b
  guest.put(TestGuest::kCode + 0x10, {0x55, 0xc9, 0xc3});  // push rbp; leave; ret
  guest.step();
  EXPECT_EQ(guest.state().rip, TestGuest::kCode + 0x10);
  EXPECT_EQ(guest.get64(TestGuest::kStack - 8), TestGuest::kCode + 5);
  guest.step();
  guest.reg(kRbp) = guest.reg(kRsp);
  guest.step();
  guest.step();
  EXPECT_EQ(guest.state().rip, TestGuest::kCode + 5);
  EXPECT_EQ(guest.reg(kRsp), TestGuest::kStack);
}

TEST(Interpreter, ConditionalBranchesFollowFlags) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.reg(kRcx) = 2;
  guest.code({0xff, 0xc9, 0x75, 0xfc});  // dec ecx; jnz -4
  for (int i = 0; i < 4; ++i) guest.step();
  EXPECT_EQ(guest.reg(kRcx), 0u);
  EXPECT_EQ(guest.state().rip, TestGuest::kCode + 4);
}

TEST(Interpreter, RepeatedMovesKeepOverlapSemantics) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.put(TestGuest::kData, {1, 2, 3, 4});
  guest.reg(kRsi) = TestGuest::kData;
  guest.reg(kRdi) = TestGuest::kData + 1;
  guest.reg(kRcx) = 7;
  guest.code({0xf3, 0xa4});  // rep movsb: smears the first byte
  guest.step();
  EXPECT_EQ(guest.get64(TestGuest::kData), 0x0101010101010101u);
  EXPECT_EQ(guest.reg(kRcx), 0u);
  EXPECT_EQ(guest.reg(kRsi), TestGuest::kData + 7);
}

TEST(Interpreter, LongRepeatsStopInBetweenAndGoOn) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.reg(kRdi) = 0x100000;
  guest.reg(kRcx) = 0x20000;
  guest.reg(kRax) = 0x1122334455667788;
  guest.code({0xf3, 0x48, 0xab});  // rep stosq
  guest.step();
  EXPECT_EQ(guest.state().rip, TestGuest::kCode);
  for (int i = 0; i < 100 && guest.state().rip == TestGuest::kCode; ++i) guest.step();
  EXPECT_EQ(guest.reg(kRcx), 0u);
  EXPECT_EQ(guest.reg(kRdi), 0x200000u);
  EXPECT_EQ(guest.get64(0x1ffff8), 0x1122334455667788u);
}

TEST(Interpreter, ScanStopsAtTheMatch) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.put(TestGuest::kData, {5, 6, 0, 7});
  guest.reg(kRdi) = TestGuest::kData;
  guest.reg(kRcx) = 100;
  guest.code({0xf2, 0xae});  // repne scasb
  guest.step();
  EXPECT_EQ(guest.reg(kRdi), TestGuest::kData + 3);
  EXPECT_EQ(guest.reg(kRcx), 97u);
  EXPECT_NE(guest.state().rflags & rflags::kZf, 0u);
}

TEST(Interpreter, PortReadsWaitForTheMachine) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.reg(kRdx) = 0x3f8;
  guest.code({0xed, 0xee});  // in eax, dx; out dx, al
  std::optional<Exit> exit = guest.interpreter->step();
  ASSERT_TRUE(exit && std::holds_alternative<PortIoExit>(*exit));
  auto& io = std::get<PortIoExit>(*exit);
  EXPECT_EQ(io.port, 0x3f8);
  EXPECT_EQ(io.size, 4);
  EXPECT_TRUE(guest.interpreter->in_flight());
  EXPECT_EQ(guest.state().rip, TestGuest::kCode);
  store_le<uint32_t>(io.data, 0, 0xcafe0042);
  guest.step();
  EXPECT_EQ(guest.reg(kRax), 0xcafe0042u);
  EXPECT_FALSE(guest.interpreter->in_flight());
  exit = guest.interpreter->step();
  ASSERT_TRUE(exit && std::holds_alternative<PortIoExit>(*exit));
  EXPECT_EQ(std::get<PortIoExit>(*exit).data[0], 0x42);
  guest.step();
  EXPECT_EQ(guest.state().rip, TestGuest::kCode + 2);
}

TEST(Interpreter, ReadModifyWriteOfADeviceAsksTwice) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.put64(TestGuest::kSmallPageTable, 0xfee00003);  // a device page
  guest.reg(kRbx) = TestGuest::kSmallPages + 0x10;
  guest.code({0x83, 0x0b, 0x01});  // or dword [rbx], 1
  std::optional<Exit> exit = guest.interpreter->step();
  ASSERT_TRUE(exit && std::holds_alternative<MmioExit>(*exit));
  EXPECT_EQ(std::get<MmioExit>(*exit).address, 0xfee00010u);
  EXPECT_EQ(std::get<MmioExit>(*exit).direction, Direction::kRead);
  store_le<uint32_t>(std::get<MmioExit>(*exit).data, 0, 0x80);
  exit = guest.interpreter->step();
  ASSERT_TRUE(exit && std::holds_alternative<MmioExit>(*exit));
  EXPECT_EQ(std::get<MmioExit>(*exit).direction, Direction::kWrite);
  EXPECT_EQ(load_le<uint32_t>(std::get<MmioExit>(*exit).data), 0x81u);
  guest.step();
  EXPECT_EQ(guest.state().rip, TestGuest::kCode + 3);
}

TEST(Interpreter, X87StoreToADeviceRunsOnce) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.put64(TestGuest::kSmallPageTable, 0xfee00003);
  guest.reg(kRbx) = TestGuest::kSmallPages;
  guest.code(
      {0xd9, 0xe8, 0xd9, 0xee, 0xdd, 0x1b, 0xdd, 0x1b});  // fld1; fldz; fstp qword [rbx]; fstp qword [rbx]
  guest.step();
  guest.step();
  for (double expected : {0.0, 1.0}) {
    std::optional<Exit> exit = guest.interpreter->step();
    ASSERT_TRUE(exit && std::holds_alternative<MmioExit>(*exit));
    double stored = 0;
    std::memcpy(&stored, std::get<MmioExit>(*exit).data.data(), 8);
    EXPECT_EQ(stored, expected);
    guest.step();
  }
}

TEST(Interpreter, RealModeUsesSegmentsAndWraps) {
  TestGuest guest;
  guest.enter_real_mode();
  guest.reg(kRbx) = 0x10;
  guest.code({0xb8, 0x34, 0x12,                    // mov ax, 0x1234
              0x89, 0x07,                          // mov [bx], ax
              0x66, 0x05, 0x78, 0x56, 0x34, 0x12,  // add eax, 0x12345678
              0x40,                                // inc ax
              0x50, 0x59,                          // push ax; pop cx
              0xea, 0x00, 0x00, 0x00, 0x20});      // jmp 0x2000:0
  for (int i = 0; i < 7; ++i) guest.step();
  EXPECT_EQ(guest.get64(TestGuest::kData + 0x10) & 0xffff, 0x1234u);
  EXPECT_EQ(guest.reg(kRax), 0x123468adu);
  EXPECT_EQ(guest.reg(kRcx), 0x68adu);
  EXPECT_EQ(guest.state().segments[kCs].base, 0x20000u);
  EXPECT_EQ(guest.state().rip, 0u);
}

TEST(Interpreter, SwitchesFromRealToProtectedToLongMode) {
  TestGuest guest;
  guest.enter_real_mode();
  guest.put(TestGuest::kData, {0xff, 0x00, 0x00, 0x10, 0x00, 0x00});  // GDT limit and base
  guest.code({0x0f, 0x01, 0x16, 0x00, 0x00,                           // lgdt [0]
              0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0,         // mov eax,cr0; or al,1; mov cr0,eax
              0x66, 0xea, 0x00, 0x80, 0x01, 0x00, 0x30, 0x00});       // jmp 0x30:0x18000
  guest.put(0x18000, {0x0f, 0x20, 0xe0, 0x83, 0xc8, 0x20, 0x0f, 0x22, 0xe0,              // cr4 |= PAE
                      0xb8, 0x00, 0x40, 0x00, 0x00, 0x0f, 0x22, 0xd8,                    // cr3 = page tables
                      0xb9, 0x80, 0x00, 0x00, 0xc0, 0x0f, 0x32,                          // rdmsr EFER
                      0x0d, 0x00, 0x01, 0x00, 0x00, 0x0f, 0x30,                          // efer |= LME
                      0x0f, 0x20, 0xc0, 0x0d, 0x00, 0x00, 0x00, 0x80, 0x0f, 0x22, 0xc0,  // cr0 |= PG
                      0xea, 0x00, 0x90, 0x01, 0x00, 0x08, 0x00});                        // jmp 0x08:0x19000
  for (int i = 0; i < 5; ++i) guest.step();
  EXPECT_EQ(guest.state().rip, 0x18000u);
  EXPECT_TRUE(guest.state().segments[kCs].default_big());
  for (int i = 0; i < 13; ++i) guest.step();
  EXPECT_TRUE(guest.cpu.in_64bit_code());
  EXPECT_EQ(guest.state().rip, 0x19000u);
}

TEST(Interpreter, HaltAndHypercallFinishFirst) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.code({0x0f, 0x01, 0xc1, 0xf4});  // vmcall; hlt
  std::optional<Exit> exit = guest.interpreter->step();
  ASSERT_TRUE(exit && std::holds_alternative<HypercallExit>(*exit));
  EXPECT_EQ(guest.state().rip, TestGuest::kCode + 3);
  exit = guest.interpreter->step();
  ASSERT_TRUE(exit && std::holds_alternative<HaltExit>(*exit));
  EXPECT_EQ(guest.state().activity, Activity::kHalted);
  EXPECT_EQ(guest.state().rip, TestGuest::kCode + 4);
}

TEST(Interpreter, MsrsOfTheMachineExitAndMayFault) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.set_gate(13);
  guest.reg(kRcx) = 0x1b;
  guest.code({0x0f, 0x32, 0x0f, 0x30});  // rdmsr; wrmsr
  std::optional<Exit> exit = guest.interpreter->step();
  ASSERT_TRUE(exit && std::holds_alternative<MsrExit>(*exit));
  *std::get<MsrExit>(*exit).value = 0x1fee00900;
  guest.step();
  EXPECT_EQ(guest.reg(kRax), 0xfee00900u);
  EXPECT_EQ(guest.reg(kRdx), 1u);
  exit = guest.interpreter->step();
  ASSERT_TRUE(exit && std::holds_alternative<MsrExit>(*exit));
  EXPECT_EQ(*std::get<MsrExit>(*exit).value, 0x1fee00900u);
  *std::get<MsrExit>(*exit).fault = true;
  guest.step();
  EXPECT_TRUE(guest.at_handler(13));
}

TEST(Interpreter, InstructionsMayCrossPages) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.state().rip = TestGuest::kSmallPages + 0xffe;
  guest.put64(TestGuest::kSmallPageTable + 8, 0x300003);  // the next page is elsewhere
  guest.put(TestGuest::kSmallPages + 0xffe, {0xb8, 0x78});
  guest.put(0x300000, {0x56, 0x34, 0x12});
  guest.step();
  EXPECT_EQ(guest.reg(kRax), 0x12345678u);
  EXPECT_EQ(guest.state().rip, TestGuest::kSmallPages + 0x1003);
}

TEST(Interpreter, DataMayCrossPagesAndFaultsLeaveNoTrace) {
  TestGuest guest;
  guest.enter_long_mode();
  guest.set_gate(14);
  guest.put64(TestGuest::kSmallPageTable + 8, 0);  // second page missing
  guest.reg(kRbx) = TestGuest::kSmallPages + 0xffc;
  guest.reg(kRax) = ~uint64_t{0};
  guest.code({0x48, 0x89, 0x03});  // mov [rbx], rax
  guest.step();
  EXPECT_TRUE(guest.at_handler(14));
  EXPECT_EQ(guest.state().cr2, TestGuest::kSmallPages + 0x1000);
  EXPECT_EQ(guest.get64(TestGuest::kSmallPages + 0xff8), 0u);
  EXPECT_EQ(guest.get64(guest.reg(kRsp)), 2u);  // error code: a write, not present
}

}  // namespace
}  // namespace cumulet::hypervisor
