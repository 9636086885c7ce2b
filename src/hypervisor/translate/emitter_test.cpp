// Every form that Emitter writes, read back by an independent decoder.
#include "hypervisor/translate/emitter.h"

#include <Zydis/Zydis.h>
#include <functional>
#include <gtest/gtest.h>
#include <string>

namespace cumulet::hypervisor {
namespace {

constexpr uint8_t kRax = 0, kRcx = 1, kRdx = 2, kRsp = 4, kRbp = 5, kR9 = 9, kR12 = 12, kR13 = 13;

std::string disassemble(ByteView bytes) {
  std::string text;
  uint64_t address = 0x1000;
  while (!bytes.empty()) {
    ZydisDisassembledInstruction instruction;
    if (!ZYAN_SUCCESS(ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, address, bytes.data(), bytes.size(),
                                            &instruction)))
      return text + "?";
    if (!text.empty()) text += "; ";
    text += instruction.text;
    address += instruction.info.length;
    bytes = bytes.subspan(instruction.info.length);
  }
  return text;
}

std::string emitted(const std::function<void(Emitter&)>& emit) {
  Emitter emitter;
  emitter.start(0x1000);
  emit(emitter);
  return disassemble(emitter.bytes());
}

struct Case {
  std::function<void(Emitter&)> emit;
  const char* text;
};

TEST(Emitter, ContextForms) {
  const Case cases[] = {
      {[](Emitter& e) { e.store_context(0x1234, kR9); }, "mov gs:[0x0000000000001234], r9"},
      {[](Emitter& e) { e.store_context32(0x10, kRax); }, "mov gs:[0x0000000000000010], eax"},
      {[](Emitter& e) { e.load_context(kRsp, 0x1234); }, "mov rsp, gs:[0x0000000000001234]"},
      {[](Emitter& e) { e.load_context32(kRcx, 0x1234); }, "mov ecx, gs:[0x0000000000001234]"},
      {[](Emitter& e) { e.load_context16(kR13, 0x1234); }, "movzx r13d, word ptr gs:[0x0000000000001234]"},
      {[](Emitter& e) { e.store_context_immediate64(0x20, ~uint64_t{0}); },
       "mov qword ptr gs:[0x0000000000000020], 0xFFFFFFFFFFFFFFFF"},
      {[](Emitter& e) { e.store_context_immediate64(0x20, 0x123456789abc); },
       "mov dword ptr gs:[0x0000000000000020], 0x56789ABC; mov dword ptr gs:[0x0000000000000024], 0x1234"},
      {[](Emitter& e) { e.and_context_byte(0x21, 0xfd); }, "and byte ptr gs:[0x0000000000000021], 0xFD"},
      {[](Emitter& e) { e.or_context_byte(0x21, 2); }, "or byte ptr gs:[0x0000000000000021], 0x02"},
      {[](Emitter& e) { e.compare_context_byte(0x21, 0); }, "cmp byte ptr gs:[0x0000000000000021], 0x00"},
      {[](Emitter& e) { e.compare_context(0x28, -5); },
       "cmp qword ptr gs:[0x0000000000000028], 0xFFFFFFFFFFFFFFFB"},
      {[](Emitter& e) { e.compare_context_register(0x28, kRcx); }, "cmp gs:[0x0000000000000028], rcx"},
      {[](Emitter& e) { e.add_context(kRdx, 0x28); }, "add rdx, gs:[0x0000000000000028]"},
      {[](Emitter& e) { e.jump_context(0x28); }, "jmp gs:[0x0000000000000028]"},
      {[](Emitter& e) { e.jump_indexed(kR9, 0x28); }, "jmp gs:[r9*8+0x28]"},
      {[](Emitter& e) { e.load_indexed(kRcx, kR12, 0x40); }, "mov rcx, gs:[r12+0x40]"},
      {[](Emitter& e) { e.subtract_indexed(kRcx, kR13, 0x40); }, "sub rcx, gs:[r13+0x40]"},
      {[](Emitter& e) { e.add_indexed(kR9, kRbp, 0x40); }, "add r9, gs:[rbp+0x40]"},
      {[](Emitter& e) { e.compare_indexed(kRcx, kRdx, 0x40); }, "cmp rcx, gs:[rdx+0x40]"},
  };
  for (const Case& one : cases) EXPECT_EQ(emitted(one.emit), one.text);
}

TEST(Emitter, RegisterAndMemoryForms) {
  const Case cases[] = {
      {[](Emitter& e) { e.move(kR9, kRax); }, "mov r9, rax"},
      {[](Emitter& e) { e.move32(kRax, kR9); }, "mov eax, r9d"},
      {[](Emitter& e) { e.sign_extend32(kRdx, kR9); }, "movsxd rdx, r9d"},
      {[](Emitter& e) { e.xor32(kRdx, kRcx); }, "xor edx, ecx"},
      {[](Emitter& e) { e.or64(kRdx, kRcx); }, "or rdx, rcx"},
      {[](Emitter& e) { e.complement(kR9); }, "not r9"},
      {[](Emitter& e) { e.subtract(kRdx, kR9); }, "sub rdx, r9"},
      {[](Emitter& e) { e.move_immediate(kR9, 5); }, "mov r9d, 0x05"},
      {[](Emitter& e) { e.move_immediate(kRax, ~uint64_t{1}); }, "mov rax, 0xFFFFFFFFFFFFFFFE"},
      {[](Emitter& e) { e.move_immediate(kRax, 0x123456789abc); }, "mov rax, 0x123456789ABC"},
      {[](Emitter& e) { e.and32(kR9, 0x3fe0); }, "and r9d, 0x3FE0"},
      {[](Emitter& e) { e.compare(kRcx, 4088); }, "cmp rcx, 0xFF8"},
      {[](Emitter& e) { e.shift_left(kRdx, 32, true); }, "shl rdx, 0x20"},
      {[](Emitter& e) { e.shift_right(kR9, 7, false); }, "shr r9d, 0x07"},
      {[](Emitter& e) { e.shift_right_arithmetic(kR9, 6); }, "sar r9, 0x06"},
      {[](Emitter& e) { e.lea(kRsp, kRsp, -8); }, "lea rsp, [rsp-0x08]"},
      {[](Emitter& e) { e.lea(kRax, kR13, 0); }, "lea rax, [r13]"},
      {[](Emitter& e) { e.lea(kRax, kRcx, 0x1000); }, "lea rax, [rcx+0x1000]"},
      {[](Emitter& e) { e.lea_sum(kRax, kR13, kR12, 3); }, "lea rax, [r13+r12*8]"},
      {[](Emitter& e) { e.zero_extend16(kR9, kRcx); }, "movzx r9d, cx"},
      {[](Emitter& e) { e.jump_if_rcx_zero(5); }, "jrcxz 0x0000000000001007"},
      {[](Emitter& e) { e.load(kR9, kRbp); }, "mov r9, [rbp]"},
      {[](Emitter& e) { e.store(kRcx, kRsp); }, "mov [rcx], rsp"},
      {[](Emitter& e) { e.store_immediate(kRcx, -1); }, "mov qword ptr [rcx], 0xFFFFFFFFFFFFFFFF"},
      {[](Emitter& e) { e.flags_to_rax(); }, "lahf; seto al"},
      {[](Emitter& e) { e.flags_from_rax(); }, "add al, 0x7F; sahf"},
      {[](Emitter& e) { e.jump(0x1000); }, "jmp 0x0000000000001000"},
      {[](Emitter& e) { e.jump_if(Condition::kAbove, 0x2000); }, "jnbe 0x0000000000002000"},
  };
  for (const Case& one : cases) EXPECT_EQ(emitted(one.emit), one.text);
}

TEST(Emitter, AlignmentIsOnlyNops) {
  for (uint64_t address = 0x1000; address < 0x1010; ++address) {
    Emitter emitter;
    emitter.start(address);
    emitter.align(16, 2);
    EXPECT_EQ((emitter.here() + 2) % 16, 0);
    std::string text = disassemble(emitter.bytes());
    EXPECT_EQ(text.find("mov"), std::string::npos);
    EXPECT_TRUE(text.empty() || text.find("nop") != std::string::npos) << text;
  }
}

}  // namespace
}  // namespace cumulet::hypervisor
