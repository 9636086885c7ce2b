// Random computing instructions, run by the interpreter and directly by this processor: the same registers,
// flags, vector state, memory and faults must come out.
#include <gtest/gtest.h>
#include <random>

#include "hypervisor/interpret/dispatch.h"
#include "hypervisor/interpret/native.h"
#include "hypervisor/interpret/recode.h"
#include "hypervisor/interpret/test_guest.h"

namespace cumulet::hypervisor {
namespace {

constexpr size_t kDataSize = 512;
constexpr uint64_t kOperandArea = 192;  // RBX points here, so that displacements of either sign stay inside

class Differential : public testing::Test {
 protected:
  uint8_t byte() { return static_cast<uint8_t>(random_()); }
  bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  template <typename T>
  T pick(std::initializer_list<T> items) {
    return *(items.begin() + random_() % items.size());
  }

  // Operands: registers, or memory at [RBX + 8-bit displacement].
  uint8_t modrm(bool aligned_displacement, std::vector<uint8_t>& tail) {
    uint8_t value = byte();
    if (chance(50)) return value | 0xc0;
    tail.push_back(aligned_displacement ? byte() & 0x60 : byte() & 0x7f);
    return static_cast<uint8_t>(0x43 | (value & 0x38));
  }

  std::vector<uint8_t> legacy_instruction() {
    std::vector<uint8_t> code;
    std::vector<uint8_t> tail;
    uint8_t opcode = byte();
    int map = pick({0, 0, 1, 1, 1, 2, 3});
    uint8_t prefix = pick<uint8_t>({0, 0, 0x66, 0x66, 0xf2, 0xf3});
    if (prefix != 0) code.push_back(prefix);
    if (chance(50)) code.push_back(0x40 | (byte() & 0x0e));  // REX without B, which would change the base
    if (map >= 1) code.push_back(0x0f);
    if (map == 2) code.push_back(0x38);
    if (map == 3) code.push_back(0x3a);
    code.push_back(opcode);
    code.push_back(modrm(chance(70), tail));
    code.insert(code.end(), tail.begin(), tail.end());
    for (int i = 0; i < 4; ++i) code.push_back(byte());
    return code;
  }

  std::vector<uint8_t> vex_instruction() {
    std::vector<uint8_t> tail;
    std::vector<uint8_t> code = {0xc4, static_cast<uint8_t>((byte() & 0x80) | 0x60 | pick({1, 1, 2, 2, 3})),
                                 byte(), byte()};
    code.push_back(modrm(chance(70), tail));
    code.insert(code.end(), tail.begin(), tail.end());
    for (int i = 0; i < 2; ++i) code.push_back(byte());
    return code;
  }

  // True if the reference can run it as it is: it computes, and touches neither RSP, RBX nor foreign memory.
  bool acceptable(std::vector<uint8_t>& code) {
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, code.data(), code.size(), &decoded_.info,
                                             decoded_.operands.data())))
      return false;
    code.resize(decoded_.info.length);
    Handler handler = handler_of(decoded_.info.mnemonic);
    bool tested = handler == execute_natively || handler == execute_mov || handler == execute_sign_extend ||
                  handler == execute_lea || handler == execute_masked_move;
    if (!tested || decoded_.info.raw.prefix_count > 3) return false;
    switch (decoded_.info.mnemonic) {
      case ZYDIS_MNEMONIC_RDRAND:  // never the same twice
      case ZYDIS_MNEMONIC_RDSEED:
      case ZYDIS_MNEMONIC_CLZERO:  // privileged, or not a computing instruction of the guest's processor
      case ZYDIS_MNEMONIC_LDMXCSR: return false;
      default: break;
    }
    switch (decoded_.info.meta.isa_ext) {  // this processor may have them; the guest's has not
      case ZYDIS_ISA_EXT_AVX512VEX:
      case ZYDIS_ISA_EXT_SVM:
      case ZYDIS_ISA_EXT_MONITORX:
      case ZYDIS_ISA_EXT_GFNI:
      case ZYDIS_ISA_EXT_VAES:
      case ZYDIS_ISA_EXT_VPCLMULQDQ:
      case ZYDIS_ISA_EXT_AVX_VNNI:
      case ZYDIS_ISA_EXT_SSE4A:
      case ZYDIS_ISA_EXT_MOVDIR:
      case ZYDIS_ISA_EXT_XSAVEC:
      case ZYDIS_ISA_EXT_XSAVES: return false;
      default: break;
    }
    for (int i = 0; i < decoded_.info.operand_count; ++i) {
      const ZydisDecodedOperand& operand = decoded_.operands[i];
      if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) {
        ZydisRegister full = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, operand.reg.value);
        if (full == ZYDIS_REGISTER_RSP || full == ZYDIS_REGISTER_RBX) return false;
        ZydisRegisterClass type = ZydisRegisterGetClass(operand.reg.value);
        if (type == ZYDIS_REGCLASS_SEGMENT || type == ZYDIS_REGCLASS_CONTROL || type == ZYDIS_REGCLASS_DEBUG)
          return false;
      }
      if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY &&
          (operand.mem.base != ZYDIS_REGISTER_RBX || operand.mem.index != ZYDIS_REGISTER_NONE))
        return false;
    }
    return true;
  }

  // Registers, vectors and memory with random contents; sometimes small numbers and special floats.
  void randomize(TestGuest& guest) {
    CpuState& s = guest.state();
    for (uint64_t& value : s.gpr) value = chance(20) ? random_() & 0xff : random_();
    s.gpr[kRbx] = TestGuest::kData + kOperandArea;
    s.gpr[kRsp] = TestGuest::kStack;
    s.rflags = rflags::kFixed | (random_() & rflags::kArithmetic);
    for (size_t i = 32; i < 416; ++i)
      s.xsave[i] = i < 160 && i % 16 >= 10 ? 0 : vector_byte();  // x87: 80 bits
    for (size_t i = 576; i < 832; ++i) s.xsave[i] = vector_byte();
    store_le<uint16_t>(s.xsave, 0, chance(80) ? 0x37f : 0x340 | (byte() & 0x3f));
    store_le<uint16_t>(s.xsave, 2, static_cast<uint16_t>((byte() & 7) << 11));
    store_le<uint16_t>(s.xsave, 4, byte());
    store_le<uint32_t>(s.xsave, 24, chance(70) ? 0x1f80 : 0x1f80 & ~(uint32_t{byte()} << 7));
    store_le<uint64_t>(s.xsave, 512, 7);
    for (size_t i = 0; i < kDataSize; ++i) data_[i] = vector_byte();
    ASSERT_TRUE(guest.memory->write(TestGuest::kData, data_));
  }
  uint8_t vector_byte() { return chance(20) ? pick<uint8_t>({0, 0x7f, 0xff, 0x80, 0x3f}) : byte(); }

  void compare(TestGuest& guest, const std::vector<uint8_t>& code, int number);

  std::mt19937_64 random_{20250};
  ZydisDecoder decoder_{};
  FetchedInstruction decoded_{};
  NativeRunner reference_;
  alignas(64) std::array<uint8_t, kDataSize> data_{};
};

void Differential::compare(TestGuest& guest, const std::vector<uint8_t>& code, int number) {
  randomize(guest);
  CpuState& s = guest.state();
  alignas(64) std::array<uint8_t, 1024> vectors{};
  std::copy_n(s.xsave.begin(), vectors.size(), vectors.begin());
  NativeFrame frame;
  frame.gpr = s.gpr;
  frame.gpr[kRbx] = address_value(data_.data()) + kOperandArea;
  frame.flags = s.rflags;
  frame.xsave = vectors.data();
  uint64_t rbx = frame.gpr[kRbx];

  guest.put(TestGuest::kCode, code);
  s.rip = TestGuest::kCode;
  guest.step();
  reference_.run(code, frame);

  std::string text = std::string(ZydisMnemonicGetString(decoded_.info.mnemonic)) + " bytes";
  for (uint8_t value : code) text += " " + std::to_string(value);
  SCOPED_TRACE("instruction " + std::to_string(number) + ": " + text);
  if (frame.fault != 0) {
    EXPECT_TRUE(guest.at_handler(static_cast<uint8_t>(frame.fault - 1)))
        << "expected fault " << frame.fault - 1;
    return;
  }
  ASSERT_EQ(s.rip, TestGuest::kCode + code.size());
  if (decoded_.info.mnemonic == ZYDIS_MNEMONIC_LEA) return;  // an address, which differs
  ASSERT_EQ(frame.gpr[kRbx], rbx);
  frame.gpr[kRbx] = s.gpr[kRbx];
  frame.gpr[kRsp] = s.gpr[kRsp];
  EXPECT_EQ(frame.gpr, s.gpr);
  EXPECT_EQ(frame.flags & rflags::kArithmetic, s.rflags & rflags::kArithmetic);
  auto equal = [&](size_t offset, size_t size) {
    return std::equal(vectors.begin() + offset, vectors.begin() + offset + size, s.xsave.begin() + offset);
  };
  EXPECT_TRUE(equal(0, 6)) << "x87 control, status, tag";
  EXPECT_TRUE(equal(24, 4)) << "MXCSR";
  EXPECT_TRUE(equal(32, 128)) << "x87 stack";
  EXPECT_TRUE(equal(160, 256)) << "XMM";
  EXPECT_TRUE(equal(576, 256)) << "YMM";
  bool stores_pointers =
      decoded_.info.mnemonic == ZYDIS_MNEMONIC_FNSTENV || decoded_.info.mnemonic == ZYDIS_MNEMONIC_FNSAVE;
  if (stores_pointers) return;
  std::array<uint8_t, kDataSize> guest_data{};
  ASSERT_TRUE(guest.memory->read(TestGuest::kData, guest_data));
  EXPECT_EQ(guest_data, data_);
}

TEST_F(Differential, RandomInstructionsGiveWhatTheProcessorGives) {
  constexpr int kInstructions = 6000;
  ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  TestGuest guest;
  guest.enter_long_mode();
  for (uint8_t vector : {0, 6, 13, 16, 19}) guest.set_gate(vector);
  int done = 0;
  std::vector<bool> seen(ZYDIS_MNEMONIC_MAX_VALUE + 1);
  for (int tries = 0; done < kInstructions && tries < 1000 * kInstructions; ++tries) {
    std::vector<uint8_t> code = chance(60) ? legacy_instruction() : vex_instruction();
    if (!acceptable(code)) continue;
    guest.enter_long_mode();
    compare(guest, code, done++);
    seen[decoded_.info.mnemonic] = true;
    if (HasFailure()) return;
  }
  EXPECT_EQ(done, kInstructions);
  EXPECT_GT(std::count(seen.begin(), seen.end(), true), 400);
}

}  // namespace
}  // namespace cumulet::hypervisor
