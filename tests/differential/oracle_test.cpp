// A test of the oracle and of the generator: the native runner repeats itself, and reports faults as they
// are.
#include <gtest/gtest.h>

#include "generator.h"
#include "native.h"

namespace cumulet::differential {
namespace {

Start start_with(std::vector<uint8_t> code) {
  Generator generator(7);
  Start start = generator.next(1);
  start.registers.rip = kCodeBase;
  code.push_back(kEndOfSequence);
  start.code = std::move(code);
  return start;
}

TEST(Oracle, RunsASequenceToItsEnd) {
  NativeRunner native;
  Start start = start_with({0x48, 0x01, 0xc8});  // add rax, rcx
  start.registers.gpr[0] = 0xffff'ffff'ffff'ffff;
  start.registers.gpr[1] = 1;
  Outcome outcome = native.run(start);
  EXPECT_EQ(outcome.vector, 3);
  EXPECT_EQ(outcome.registers.rip, kCodeBase + 4);
  EXPECT_EQ(outcome.registers.gpr[0], 0u);
  EXPECT_EQ(outcome.registers.rflags & 0x41, 0x41u);  // CF and ZF
}

TEST(Oracle, ReportsFaults) {
  NativeRunner native;
  Start start = start_with({0x48, 0x89, 0x03});  // mov [rbx], rax, half of it beyond the end of the data
  start.registers.gpr[3] = kDataBase + kAreaSize - 4;
  Outcome outcome = native.run(start);
  EXPECT_EQ(outcome.vector, 14);
  EXPECT_EQ(outcome.error_code, 6u);  // a user write to a page that is not there
  EXPECT_EQ(outcome.fault_address, kDataBase + kAreaSize);
  EXPECT_EQ(outcome.registers.rip, kCodeBase);
  EXPECT_EQ(native.run(start_with({0x0f, 0x0b})).vector, 6);
  EXPECT_EQ(native.run(start_with({0x31, 0xc9, 0xf7, 0xf1})).vector, 0);  // div by zero
}

TEST(Oracle, RepeatsItself) {
  NativeRunner native;
  Generator generator(3);
  for (int i = 0; i < 3000; ++i) {
    Start start = generator.next(6);
    Outcome first = native.run(start);
    EXPECT_EQ(compare(first, native.run(start), true), "") << disassemble(start);
  }
}

}  // namespace
}  // namespace cumulet::differential
