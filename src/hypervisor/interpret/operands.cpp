// Reading and writing operands as Zydis describes them.
#include "hypervisor/interpret/operands.h"

#include "hypervisor/interpret/memory_access.h"

namespace cumulet::hypervisor {

namespace {
struct RegisterName {
  int8_t index = -1;  // number of the general register, or -1
  uint8_t shift = 0;  // 8 for AH, CH, DH, BH
  uint8_t bits = 0;   // 8, 16, 32, 64
};

RegisterName parse(ZydisRegister name) {
  auto from = [name](ZydisRegister first) { return static_cast<int8_t>(name - first); };
  if (name >= ZYDIS_REGISTER_AL && name <= ZYDIS_REGISTER_BL) return {from(ZYDIS_REGISTER_AL), 0, 8};
  if (name >= ZYDIS_REGISTER_AH && name <= ZYDIS_REGISTER_BH) return {from(ZYDIS_REGISTER_AH), 8, 8};
  if (name >= ZYDIS_REGISTER_SPL && name <= ZYDIS_REGISTER_R15B)
    return {static_cast<int8_t>(from(ZYDIS_REGISTER_SPL) + 4), 0, 8};
  if (name >= ZYDIS_REGISTER_AX && name <= ZYDIS_REGISTER_R15W) return {from(ZYDIS_REGISTER_AX), 0, 16};
  if (name >= ZYDIS_REGISTER_EAX && name <= ZYDIS_REGISTER_R15D) return {from(ZYDIS_REGISTER_EAX), 0, 32};
  if (name >= ZYDIS_REGISTER_RAX && name <= ZYDIS_REGISTER_R15) return {from(ZYDIS_REGISTER_RAX), 0, 64};
  return {};
}
}  // namespace

int general_register(ZydisRegister name) { return parse(name).index; }

uint64_t read_gpr(const Execution& x, uint8_t index, unsigned bits) {
  return x.state.gpr[index] & low_mask(bits);
}

void write_gpr(Execution& x, uint8_t index, unsigned bits, uint64_t value) {
  uint64_t& target = x.state.gpr[index];
  uint64_t mask = low_mask(bits);
  target = bits >= 32 ? value & mask : (target & ~mask) | (value & mask);
}

uint64_t read_register(const Execution& x, ZydisRegister name) {
  if (name == ZYDIS_REGISTER_NONE) return 0;
  if (name == ZYDIS_REGISTER_RIP) return x.next_rip;
  if (name == ZYDIS_REGISTER_EIP) return x.next_rip & 0xffffffff;
  RegisterName parsed = parse(name);
  CHECK(parsed.index >= 0);
  return (x.state.gpr[parsed.index] >> parsed.shift) & low_mask(parsed.bits);
}

void write_register(Execution& x, ZydisRegister name, uint64_t value) {
  RegisterName parsed = parse(name);
  CHECK(parsed.index >= 0);
  if (parsed.shift == 0) return write_gpr(x, static_cast<uint8_t>(parsed.index), parsed.bits, value);
  uint64_t& target = x.state.gpr[parsed.index];
  target = (target & ~uint64_t{0xff00}) | (value & 0xff) << 8;
}

namespace {
// SIB base 101 with mod 00 is a displacement alone (SDM volume 2, table 2-3). Zydis 4.0 takes it for r13d
// under an address-size prefix.
bool has_displacement_for_base(const ZydisDecodedInstruction& instruction,
                               const ZydisDecodedOperand& operand) {
  return operand.encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM &&
         (instruction.attributes & ZYDIS_ATTRIB_HAS_SIB) != 0 && instruction.address_width != 16 &&
         instruction.raw.modrm.mod == 0 && instruction.raw.sib.base == 5;
}
}  // namespace

uint64_t effective_offset(const Execution& x, const ZydisDecodedOperand& operand) {
  bool displaced = has_displacement_for_base(x.info(), operand);
  uint64_t offset =
      displaced ? static_cast<uint64_t>(x.info().raw.disp.value) : read_register(x, operand.mem.base);
  if (operand.mem.index != ZYDIS_REGISTER_NONE)
    offset += read_register(x, operand.mem.index) * operand.mem.scale;
  if (!displaced && operand.mem.disp.has_displacement)
    offset += static_cast<uint64_t>(operand.mem.disp.value);
  return offset & low_mask(x.info().address_width);
}

SegmentRegister segment_of(ZydisRegister name) {
  CHECK(name >= ZYDIS_REGISTER_ES && name <= ZYDIS_REGISTER_GS);
  return static_cast<SegmentRegister>(name - ZYDIS_REGISTER_ES);
}

bool read_operand(Execution& x, const ZydisDecodedOperand& operand, uint64_t& value) {
  switch (operand.type) {
    case ZYDIS_OPERAND_TYPE_REGISTER: value = read_register(x, operand.reg.value); return true;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE: value = operand.imm.value.u; return true;
    case ZYDIS_OPERAND_TYPE_MEMORY:
      return read_integer(x, segment_of(operand.mem.segment), effective_offset(x, operand), operand.size / 8,
                          value);
    default: CHECK(operand.type != ZYDIS_OPERAND_TYPE_POINTER); return x.stop(invalid_opcode());
  }
}

bool write_operand(Execution& x, const ZydisDecodedOperand& operand, uint64_t value) {
  if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) {
    write_register(x, operand.reg.value, value);
    return true;
  }
  CHECK(operand.type == ZYDIS_OPERAND_TYPE_MEMORY);
  return write_integer(x, segment_of(operand.mem.segment), effective_offset(x, operand), operand.size / 8,
                       value);
}

}  // namespace cumulet::hypervisor
