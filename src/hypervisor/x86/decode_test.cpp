// Classification and re-encoding of instructions, by example.
#include "hypervisor/x86/decode.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "hypervisor/x86/memory_expression.h"

namespace cumulet::hypervisor {
namespace {

using Kind = InstructionKind;
using Bytes = std::vector<uint8_t>;
constexpr uint64_t kRip = 0x1000;
constexpr uint8_t kRbp = 5, kRsi = 6;

DecodedInstruction decode(const Bytes& bytes) { return decode_64bit(bytes, kRip); }

TEST(Decode, KindsOfInstructions) {
  struct Case {
    Bytes bytes;
    Kind kind;
  };
  const Case cases[] = {
      {{0x48, 0x01, 0xc8}, Kind::kCopy},                      // add rax, rcx
      {{0x48, 0x8d, 0x44, 0x8b, 0x10}, Kind::kCopy},          // lea rax, [rbx+rcx*4+16]
      {{0xc5, 0xf5, 0xef, 0xc1}, Kind::kCopy},                // vpxor ymm0, ymm1, ymm1
      {{0xf3, 0x0f, 0x1e, 0xfa}, Kind::kCopy},                // endbr64
      {{0x48, 0x8b, 0x03}, Kind::kMemory},                    // mov rax, [rbx]
      {{0x65, 0x48, 0x8b, 0x05, 0, 0, 0, 0}, Kind::kMemory},  // mov rax, gs:[rip]
      {{0xf0, 0x48, 0x0f, 0xc7, 0x0f}, Kind::kMemory},        // lock cmpxchg16b [rdi]
      {{0xdb, 0x2f}, Kind::kMemory},                          // fld tword [rdi]
      {{0x66, 0x0f, 0x2d, 0xc1}, Kind::kCopy},                // cvtpd2pi mm0, xmm1
      {{0x48, 0x0f, 0xa3, 0x07}, Kind::kBitString},           // bt [rdi], rax
      {{0x67, 0x48, 0x0f, 0xa3, 0x07}, Kind::kInterpret},     // bt [edi], rax
      {{0x0f, 0x1f, 0x44, 0x00, 0x00}, Kind::kNothing},       // nop [rax+rax]
      {{0x0f, 0x18, 0x08}, Kind::kNothing},                   // prefetcht0 [rax]
      {{0x48, 0x8d, 0x05, 0, 1, 0, 0}, Kind::kRipAddress},    // lea rax, [rip+0x100]
      {{0x41, 0x54}, Kind::kPushRegister},                    // push r12
      {{0x6a, 0xff}, Kind::kPushImmediate},                   // push -1
      {{0xff, 0x33}, Kind::kPushMemory},                      // push [rbx]
      {{0x5b}, Kind::kPopRegister},                           // pop rbx
      {{0xc9}, Kind::kLeave},                                 // leave
      {{0x9c}, Kind::kPushFlags},                             // pushfq
      {{0xeb, 0xfe}, Kind::kJump},                            // jmp .
      {{0x0f, 0x84, 0, 0, 0, 0}, Kind::kJumpConditional},     // je
      {{0xe2, 0xfe}, Kind::kJumpConditional},                 // loop .
      {{0xff, 0xe0}, Kind::kJumpRegister},                    // jmp rax
      {{0xff, 0x25, 0, 0, 0, 0}, Kind::kJumpMemory},          // jmp [rip]
      {{0xe8, 0, 0, 0, 0}, Kind::kCall},                      // call
      {{0xff, 0xd0}, Kind::kCallRegister},                    // call rax
      {{0xff, 0x13}, Kind::kCallMemory},                      // call [rbx]
      {{0xc2, 0x08, 0x00}, Kind::kReturn},                    // ret 8
      {{0x8c, 0xd0}, Kind::kReadSegment},                     // mov eax, ss
      {{0x0f, 0x01, 0xf8}, Kind::kSwapGs},                    // swapgs
      {{0x0f, 0x01, 0xf9}, Kind::kReadTscAux},                // rdtscp
      {{0x0f, 0x01, 0xe8}, Kind::kSerialize},                 // serialize
      {{0xf3, 0x48, 0xab}, Kind::kRepeatStore},               // rep stosq
      {{0xf3, 0xa4}, Kind::kRepeatMove},                      // rep movsb
      {{0x0f, 0x05}, Kind::kSystem},                          // syscall
      {{0x0f, 0xa2}, Kind::kSystem},                          // cpuid
      {{0x48, 0x0f, 0x07}, Kind::kSystem},                    // sysretq
      {{0x48, 0xcf}, Kind::kSystem},                          // iretq
      {{0x9d}, Kind::kSystem},                                // popfq
      {{0xf3, 0x48, 0x0f, 0xae, 0xd0}, Kind::kSystem},        // wrfsbase rax
      {{0x0f, 0x20, 0xd0}, Kind::kSystem},                    // mov rax, cr2
      {{0x0f, 0x22, 0xd8}, Kind::kSystem},                    // mov cr3, rax
      {{0x48, 0x0f, 0xae, 0x27}, Kind::kSystem},              // xsave64 [rdi]
      {{0x66, 0x8c, 0xd8}, Kind::kReadSegment},               // mov ax, ds
  };
  for (const Case& one : cases) {
    DecodedInstruction decoded = decode(one.bytes);
    EXPECT_EQ(decoded.kind, one.kind) << "first byte " << int{one.bytes[0]} << " " << int{one.bytes.back()};
    EXPECT_EQ(decoded.length, one.bytes.size());
  }
}

// Everything that depends on state which the host does not share with the guest.
TEST(Decode, RefusesToRunNatively) {
  const Bytes cases[] = {
      {0xf4},                                      // hlt
      {0xcc},                                      // int3
      {0x0f, 0x0b},                                // ud2
      {0x0f, 0x01, 0xee},                          // rdpkru
      {0x0f, 0x01, 0xef},                          // wrpkru
      {0x0f, 0x01, 0xd0},                          // xgetbv
      {0x0f, 0xae, 0x27},                          // xsave [rdi]
      {0x67, 0x0f, 0xa3, 0x07},                    // bt [edi], eax
      {0x0f, 0xae, 0x07},                          // fxsave [rdi]
      {0x8e, 0xd8},                                // mov ds, eax
      {0x0f, 0x00, 0xc8},                          // str eax
      {0x0f, 0x01, 0x07},                          // sgdt [rdi]
      {0xa4},                                      // movsb
      {0x67, 0xf3, 0x48, 0xab},                    // rep stosq [edi]
      {0x65, 0xf3, 0xa4},                          // rep movsb from gs
      {0x0f, 0x07},                                // sysretl
      {0xcf},                                      // iretd
      {0x66, 0x9d},                                // popf
      {0xf3, 0x0f, 0xae, 0xd0},                    // wrfsbase eax
      {0x48, 0xa1, 0, 0, 0, 0, 0, 0, 0, 0},        // mov rax, [absolute]
      {0xd7},                                      // xlat
      {0x66, 0x0f, 0x2d, 0x07},                    // cvtpd2pi mm0, [rdi]
      {0x66, 0x0f, 0x2c, 0x07},                    // cvttpd2pi mm0, [rdi]
      {0xc7, 0xf8, 0, 0, 0, 0},                    // xbegin
      {0x62, 0xf2, 0x7d, 0x49, 0x90, 0x04, 0x0b},  // vpgatherdd zmm0 {k1}, [rbx+zmm1]
      {0x62, 0xf2, 0x7d, 0x49, 0xa0, 0x04, 0x0b},  // vpscatterdd [rbx+zmm1] {k1}, zmm0
      {0x62, 0xf5, 0x7c, 0x48, 0x58, 0xc1},        // vaddph zmm0, zmm0, zmm1: FP16 is not shown
      {0x62, 0xf2, 0x7d, 0x48, 0xdc, 0xc1},        // vaesenc zmm0, zmm0, zmm1: nor is VAES
      {0xe4, 0x10},                                // in al, 0x10
      {0x66, 0x55},                                // push bp
  };
  for (const Bytes& bytes : cases) {
    DecodedInstruction decoded = decode(bytes);
    EXPECT_EQ(decoded.kind, Kind::kInterpret) << "bytes " << int{bytes[0]} << " " << int{bytes.back()};
    EXPECT_EQ(decoded.length, bytes.size());
  }
}

TEST(Decode, FlagsThatAreReadAndKilled) {
  constexpr uint16_t kCarry = 1, kAll = 0x8d5;
  EXPECT_EQ(decode({0x48, 0x01, 0xc8}).flags_killed, kAll);      // add
  EXPECT_EQ(decode({0x48, 0x11, 0xc8}).flags_read, kCarry);      // adc
  EXPECT_EQ(decode({0xff, 0xc0}).flags_killed, kAll & ~kCarry);  // inc
  EXPECT_EQ(decode({0xd3, 0xe0}).flags_killed, 0);               // shl eax, cl: cl may be 0
  EXPECT_EQ(decode({0x48, 0x89, 0xc8}).flags_killed, 0);         // mov
  EXPECT_EQ(decode({0x0f, 0x94, 0xc0}).flags_read, kAll);        // sete
}

TEST(Decode, RegistersWritten) {
  EXPECT_EQ(decode({0x48, 0x01, 0xc8}).registers_written, 0b1);          // add rax, rcx
  EXPECT_EQ(decode({0x48, 0x39, 0xc8}).registers_written, 0);            // cmp rax, rcx
  EXPECT_EQ(decode({0x48, 0xf7, 0xe1}).registers_written, 0b101);        // mul rcx
  EXPECT_EQ(decode({0x48, 0x8b, 0x03}).registers_written, 0b1);          // mov rax, [rbx]
  EXPECT_EQ(decode({0x48, 0x0f, 0x44, 0xcb}).registers_written, 0b10);   // cmove rcx, rbx
  EXPECT_EQ(decode({0x48, 0x87, 0x0b}).registers_written, 0b10);         // xchg [rbx], rcx
  EXPECT_EQ(decode({0x0f, 0x31}).registers_written, 0b101);              // rdtsc
  EXPECT_EQ(decode({0xc9}).registers_written, 0b110000);                 // leave
  EXPECT_EQ(decode({0xf3, 0xa4}).registers_written, 0b1100'0010);        // rep movsb
  EXPECT_EQ(decode({0xf3, 0x48, 0xab}).registers_written, 0b1000'0010);  // rep stosq
}

TEST(Decode, MemoryOfWideVectors) {
  DecodedInstruction broadcast = decode({0x62, 0xf1, 0x7c, 0x58, 0x58, 0x43, 0x02});  // vaddps {1to16}
  EXPECT_EQ(broadcast.kind, Kind::kMemory);
  EXPECT_EQ(broadcast.state, ExtendedState::kWide);
  EXPECT_EQ(broadcast.memory.size, 4);
  EXPECT_FALSE(broadcast.memory.masked);
  EXPECT_EQ(memory_expression(broadcast).displacement, 8);
  DecodedInstruction whole = decode({0x62, 0xf1, 0x7c, 0x49, 0x11, 0x43, 0xfe});  // vmovups [rbx-128] {k1}
  EXPECT_EQ(whole.memory.size, 64);
  EXPECT_TRUE(whole.memory.write);
  EXPECT_TRUE(whole.memory.masked);
  EXPECT_EQ(memory_expression(whole).displacement, -128);
  EXPECT_EQ(decode({0x62, 0xf2, 0x7e, 0x48, 0x31, 0x03}).memory.size, 16);  // vpmovdb [rbx], zmm0
  // lea rdi, [rbx - 128]: the displacement in bytes
  EncodedBytes lea = load_operand_address(whole, 7);
  EXPECT_EQ(Bytes(lea.view().begin(), lea.view().end()), (Bytes{0x48, 0x8d, 0xbb, 0x80, 0xff, 0xff, 0xff}));
  DecodedInstruction high = decode({0x62, 0x81, 0x7c, 0x48, 0x10, 0x44, 0xc8, 0x01});  // zmm16, [r8+r9*8+64]
  EncodedBytes plain = with_memory_base(high, 7);
  EXPECT_EQ(Bytes(plain.view().begin(), plain.view().end()), (Bytes{0x62, 0xe1, 0x7c, 0x48, 0x10, 0x07}));
  auto moved = with_memory_expression(high, {9, 15, 0, 64});
  ASSERT_TRUE(moved.has_value());
  EXPECT_EQ(Bytes(moved->view().begin(), moved->view().end()),
            (Bytes{0x62, 0x81, 0x7c, 0x48, 0x10, 0x84, 0x39, 0x40, 0, 0, 0}));
  EXPECT_EQ(decode({0xc5, 0xf8, 0x98, 0xc1}).state, ExtendedState::kWide);  // kortestw
  EXPECT_EQ(decode({0xc5, 0xf8, 0x98, 0xc1}).flags_killed, 0x8d5);
  EXPECT_FALSE(decode({0x0f, 0x01, 0xd1}).general);  // xsetbv: light leaves must not meet it
}

TEST(Decode, ExtendedState) {
  EXPECT_EQ(decode({0x0f, 0x28, 0xc1}).state, ExtendedState::kSse);               // movaps
  EXPECT_EQ(decode({0xd9, 0xe8}).state, ExtendedState::kSse);                     // fld1
  EXPECT_EQ(decode({0xc5, 0xf8, 0x77}).state, ExtendedState::kAvx);               // vzeroupper
  EXPECT_EQ(decode({0xc4, 0xe2, 0xf9, 0xf7, 0xc1}).state, ExtendedState::kNone);  // shlx
  EXPECT_TRUE(decode({0x0f, 0x05}).general);
  EXPECT_FALSE(decode({0x0f, 0xae, 0x27}).general);  // xsave
  EXPECT_FALSE(decode({0x0f, 0x28, 0xc1}).general);
}

TEST(Decode, CutOffOrInvalidBytes) {
  EXPECT_EQ(decode({0x48}).length, 0);
  EXPECT_EQ(decode({0x06}).length, 0);  // push es: not in 64-bit mode
  EXPECT_EQ(decode({}).length, 0);
}

Bytes with_base(const Bytes& bytes, uint8_t base) {
  EncodedBytes encoded = with_memory_base(decode(bytes), base);
  ByteView view = encoded.view();
  return {view.begin(), view.end()};
}

TEST(Decode, ReplacesTheMemoryOperand) {
  // mov r9, fs:[r13+rbx*8+0x12345678] -> mov r9, [rsi]
  EXPECT_EQ(with_base({0x64, 0x4d, 0x8b, 0x8c, 0xdd, 0x78, 0x56, 0x34, 0x12}, kRsi),
            (Bytes{0x4c, 0x8b, 0x0e}));
  // mov [rax+1], ah -> mov [rsi], ah
  EXPECT_EQ(with_base({0x88, 0x60, 0x01}, kRsi), (Bytes{0x88, 0x26}));
  // mov [rax+1], spl keeps its empty REX
  EXPECT_EQ(with_base({0x40, 0x88, 0x60, 0x01}, kRsi), (Bytes{0x40, 0x88, 0x26}));
  // lock add word [rip], 0x1234 -> lock add word [rbp+0], 0x1234
  EXPECT_EQ(with_base({0x66, 0xf0, 0x81, 0x05, 0, 0, 0, 0, 0x34, 0x12}, kRbp),
            (Bytes{0x66, 0xf0, 0x81, 0x45, 0x00, 0x34, 0x12}));
  // vpshufb ymm9, ymm1, [r12+r13] -> [rsi]
  EXPECT_EQ(with_base({0xc4, 0x02, 0x75, 0x00, 0x0c, 0x2c}, kRsi), (Bytes{0xc4, 0x62, 0x75, 0x00, 0x0e}));
  // vmovups ymm0, [rdi+16] -> [rsi]
  EXPECT_EQ(with_base({0xc5, 0xfc, 0x10, 0x47, 0x10}, kRsi), (Bytes{0xc5, 0xfc, 0x10, 0x06}));
}

TEST(Decode, ComputesTheOperandsAddress) {
  auto address = [](const Bytes& bytes, uint8_t to) {
    EncodedBytes encoded = load_operand_address(decode(bytes), to);
    ByteView view = encoded.view();
    return Bytes(view.begin(), view.end());
  };
  // mov r9, fs:[r13+rbx*8+0x12345678]: lea r15, [r13+rbx*8+0x12345678]
  EXPECT_EQ(address({0x64, 0x4d, 0x8b, 0x8c, 0xdd, 0x78, 0x56, 0x34, 0x12}, 15),
            (Bytes{0x4d, 0x8d, 0xbc, 0xdd, 0x78, 0x56, 0x34, 0x12}));
  // mov eax, [ebx]: lea rsi, [ebx]
  EXPECT_EQ(address({0x67, 0x8b, 0x03}, kRsi), (Bytes{0x67, 0x48, 0x8d, 0x33}));
  // vpshufb ymm9, ymm1, [r12+r13]: lea rsi, [r12+r13]
  EXPECT_EQ(address({0xc4, 0x02, 0x75, 0x00, 0x0c, 0x2c}, kRsi), (Bytes{0x4b, 0x8d, 0x34, 0x2c}));
}

TEST(Decode, TargetsOfJumpsAndRipRelativeOperands) {
  EXPECT_EQ(decode({0xeb, 0xfe}).target, kRip);
  EXPECT_EQ(decode({0x48, 0x8b, 0x05, 0x10, 0, 0, 0}).target, kRip + 7 + 0x10);
  EXPECT_EQ(decode({0x48, 0x8d, 0x05, 0x10, 0, 0, 0}).target, kRip + 7 + 0x10);
}

}  // namespace
}  // namespace cumulet::hypervisor
