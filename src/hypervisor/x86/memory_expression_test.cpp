// Reading address arithmetic and replacing it, by example.
#include "hypervisor/x86/memory_expression.h"

#include <gtest/gtest.h>
#include <vector>

namespace cumulet::hypervisor {
namespace {

using Bytes = std::vector<uint8_t>;
constexpr uint8_t kNone = MemoryExpression::kNone;

DecodedInstruction decode(const Bytes& bytes) { return decode_64bit(bytes, 0x1000); }

TEST(MemoryExpression, ReadsEveryForm) {
  struct Case {
    Bytes bytes;
    uint8_t base, index, scale_shift;
    int32_t displacement;
  };
  const Case cases[] = {
      {{0x48, 0x8b, 0x03}, 3, kNone, 0, 0},                                   // [rbx]
      {{0x48, 0x8b, 0x45, 0xf8}, 5, kNone, 0, -8},                            // [rbp-8]
      {{0x48, 0x8b, 0x44, 0x24, 0x10}, 4, kNone, 0, 16},                      // [rsp+16]
      {{0x4b, 0x8b, 0x84, 0xe5, 0, 1, 0, 0}, 13, 12, 3, 256},                 // [r13+r12*8+256]
      {{0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0x80}, kNone, kNone, 0, INT32_MIN},  // [0xffffffff80000000]
      {{0x48, 0x8b, 0x04, 0x8d, 4, 0, 0, 0}, kNone, 1, 2, 4},                 // [rcx*4+4]
      {{0xc4, 0x81, 0x7c, 0x10, 0x04, 0x19}, 9, 11, 0, 0},                    // vmovups xmm0, [r9+r11]
  };
  for (const Case& example : cases) {
    MemoryExpression read = memory_expression(decode(example.bytes));
    EXPECT_EQ(read.base, example.base);
    EXPECT_EQ(read.index, example.index);
    EXPECT_EQ(read.scale_shift, example.scale_shift);
    EXPECT_EQ(read.displacement, example.displacement);
  }
}

TEST(MemoryExpression, Evaluates) {
  std::array<uint64_t, 16> registers{};
  registers[3] = 0x1000, registers[9] = 5;
  EXPECT_EQ((MemoryExpression{3, 9, 2, -1}.evaluate(registers)), 0x1000u + 20 - 1);
}

// Replaced operands decode to the expression asked for, and everything else stays.
TEST(MemoryExpression, ReplacesInEveryEncoding) {
  const Bytes instructions[] = {
      {0x8b, 0x03},                                      // mov eax, [rbx]
      {0x48, 0x8b, 0x03},                                // mov rax, [rbx]
      {0x64, 0x48, 0x8b, 0x03},                          // mov rax, fs:[rbx]
      {0x66, 0x0f, 0x6f, 0x03},                          // movdqa xmm0, [rbx]
      {0xc5, 0xfd, 0x6f, 0x03},                          // vmovdqa ymm0, [rbx]
      {0xc5, 0x7d, 0x6f, 0x03},                          // vmovdqa ymm8, [rbx]
      {0xc4, 0xe2, 0xf5, 0xb8, 0x03},                    // vfmadd231pd ymm0, ymm1, [rbx]
      {0xf0, 0x0f, 0xb1, 0x0b},                          // lock cmpxchg [rbx], ecx
      {0x80, 0x3b, 0x05},                                // cmp byte [rbx], 5
      {0x0f, 0xb6, 0x2b},                                // movzx ebp, byte [rbx]
      {0x81, 0x44, 0x8b, 0x10, 0x78, 0x56, 0x34, 0x12},  // add dword [rbx+rcx*4+16], 0x12345678
  };
  const MemoryExpression wanted[] = {
      {3, 6, 0, 0}, {13, 15, 0, 5}, {4, 1, 0, -0x1000}, {12, 9, 3, 0}, {5, kNone, 0, 0}};
  for (const Bytes& bytes : instructions) {
    DecodedInstruction before = decode(bytes);
    for (const MemoryExpression& expression : wanted) {
      auto encoded = with_memory_expression(before, expression);
      ASSERT_TRUE(encoded.has_value());
      DecodedInstruction after = decode_64bit(encoded->view(), 0x1000);
      ASSERT_EQ(after.length, encoded->size);
      MemoryExpression read = memory_expression(after);
      EXPECT_EQ(read.base, expression.base);
      EXPECT_EQ(read.index, expression.index);
      EXPECT_EQ(read.displacement, expression.displacement);
      EXPECT_EQ(after.memory.size, before.memory.size);
      EXPECT_EQ(after.memory.segment, MemoryOperand::Base::kZero);
      EXPECT_EQ(after.operand_size, before.operand_size);
      EXPECT_EQ(after.state, before.state);
      EXPECT_EQ(after.bytes[after.length - 1u], after.operand_end == after.length
                                                    ? after.bytes[after.length - 1u]
                                                    : before.bytes[before.length - 1u]);
    }
  }
}

TEST(MemoryExpression, HighByteRegistersTakeNoRex) {
  DecodedInstruction load = decode({0x8a, 0x23});  // mov ah, [rbx]
  EXPECT_TRUE(with_memory_expression(load, {3, 6, 0, 0}).has_value());
  EXPECT_FALSE(with_memory_expression(load, {3, 14, 0, 0}).has_value());
}

}  // namespace
}  // namespace cumulet::hypervisor
