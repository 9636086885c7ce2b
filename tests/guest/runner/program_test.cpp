// Tests of the header comments of guest programs: every directive, and bad ones.
#include "program.h"

#include <gtest/gtest.h>

namespace cumulet::guest_test {
namespace {

TEST(Program, ReadsEveryDirective) {
  auto program = parse_program(
      "// Adds: two numbers.\n// start: real\n// needs: avx2 xsave\n// vcpus: 2\n// result: shutdown\n"
      "// expect: rax=0x10 rbx=7\n// memory: 0x2000 = 0a ff\n// serial: hi there\n// skip: kvm it answers "
      "itself\n"
      "\n// start: long\n");
  ASSERT_TRUE(program) << program.error().to_string();
  EXPECT_EQ(program->summary, "Adds: two numbers.");
  EXPECT_EQ(program->start, StartMode::kReal);
  EXPECT_EQ(program->needs, (std::vector<std::string>{"avx2", "xsave"}));
  EXPECT_EQ(program->vcpus, 2u);
  EXPECT_EQ(program->result, Outcome::kShutdown);
  EXPECT_EQ(program->registers.at("rax"), 0x10u);
  EXPECT_EQ(program->memory.at(0).bytes, (std::vector<uint8_t>{0x0a, 0xff}));
  EXPECT_EQ(program->serial, "hi there");
  EXPECT_EQ(program->skips.at("kvm"), "it answers itself");
}

TEST(Program, RefusesWhatItDoesNotUnderstand) {
  EXPECT_FALSE(parse_program(""));
  EXPECT_FALSE(parse_program("// A.\n// start: sideways\n"));
  EXPECT_FALSE(parse_program("// A.\n// result: great\n"));
  EXPECT_FALSE(parse_program("// A.\n// expect: rax\n"));
  EXPECT_FALSE(parse_program("// A.\n// expect: rax=zebra\n"));
  EXPECT_FALSE(parse_program("// A.\n// memory: 0x2000\n"));
  EXPECT_FALSE(parse_program("// A.\n// skip: kvm\n"));
}

}  // namespace
}  // namespace cumulet::guest_test
