// The decoder's sizes of AVX-512's memory operands against the processor: the last byte is touched, the next
// one is not. Translated code checks no more than that before it lets an instruction run.
#include <cstring>
#include <gtest/gtest.h>
#include <vector>

#include "generator.h"
#include "native.h"

#include "hypervisor/x86/decode.h"
#include "hypervisor/x86/extended_state.h"

namespace cumulet::differential {
namespace {

using namespace hypervisor;

constexpr uint8_t kInvalidOpcode = 6;
constexpr size_t kRbx = 3, kMxcsr = 24;

// Every EVEX prefix and opcode, with [rbx] as the operand. `extension` stands where a register may be part of
// the opcode.
template <typename Act>
void for_each_encoding(const Act& act) {
  for (unsigned bits = 0; bits < 1 << 16; ++bits) {
    auto opcode = static_cast<uint8_t>(bits);
    unsigned prefix = bits >> 8 & 3, wide = bits >> 10 & 1, length = bits >> 11 & 3,
             broadcast = bits >> 13 & 1;
    bool no_register = (bits >> 14 & 1) != 0, masked = (bits >> 15 & 1) != 0;
    for (unsigned map = 1; map <= 3; ++map) {
      for (unsigned extension = 0; extension < (no_register && map == 1 ? 8 : 1); ++extension) {
        act(std::vector<uint8_t>{0x62, static_cast<uint8_t>(0xf0 | map),
                                 static_cast<uint8_t>(wide << 7 | (no_register ? 0x78 : 0x38) | 4 | prefix),
                                 static_cast<uint8_t>(length << 5 | broadcast << 4 | 8 | (masked ? 1 : 0)),
                                 opcode, static_cast<uint8_t>(extension << 3 | kRbx), 0, 0, 0});
      }
    }
  }
}

TEST(WideOperands, AreAsLargeAsTheDecoderSays) {
  if (host_wide_layout().end == 0) GTEST_SKIP() << "this host has no AVX-512";
  NativeRunner native;
  Start start = Generator(7, 0).next(1);
  start.registers.rip = kCodeBase;
  constexpr uint32_t kNoExceptions = 0x1f80;
  std::memcpy(start.registers.vector.data() + kMxcsr, &kNoExceptions, sizeof(kNoExceptions));
  std::memset(start.registers.vector.data() + host_wide_layout().opmask, 0xff, WideLayout::kOpmaskSize);
  unsigned tested = 0;
  for_each_encoding([&](std::vector<uint8_t> code) {
    DecodedInstruction decoded = decode_64bit(code, kCodeBase);
    if (decoded.kind != InstructionKind::kMemory) return;
    code.resize(decoded.length);
    code.push_back(kEndOfSequence);
    start.code = std::move(code);
    start.registers.gpr[kRbx] = kDataBase + kAreaSize - decoded.memory.size;
    uint8_t vector = native.run(start).vector;
    if (vector == kInvalidOpcode) return;  // a part of AVX-512 that this host does not have
    ++tested;
    EXPECT_EQ(vector, 3) << disassemble(start);
    ++start.registers.gpr[kRbx];
    EXPECT_NE(native.run(start).vector, 3) << disassemble(start);
  });
  EXPECT_GT(tested, 5000u);
}

}  // namespace
}  // namespace cumulet::differential
