// Rewriting prefixes, ModRM, SIB and displacement of an instruction; opcode and immediates stay as they are.
#include "hypervisor/interpret/recode.h"

#include "hypervisor/interpret/operands.h"
#include "hypervisor/vcpu/state.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint8_t kOperandSizePrefix = 0x66;

// True when 66 means "16-bit operand" for this instruction, rather than selecting another opcode.
bool sized_by_prefix(const ZydisDecodedInstruction& info) {
  if (info.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY) return false;
  switch (info.meta.isa_ext) {
    case ZYDIS_ISA_EXT_BASE:
    case ZYDIS_ISA_EXT_LONGMODE:
    case ZYDIS_ISA_EXT_X87:
    case ZYDIS_ISA_EXT_LZCNT:
    case ZYDIS_ISA_EXT_BMI1:
    case ZYDIS_ISA_EXT_MOVBE:
    case ZYDIS_ISA_EXT_RDRAND:
    case ZYDIS_ISA_EXT_RDSEED: return true;
    default: return info.mnemonic == ZYDIS_MNEMONIC_POPCNT || info.mnemonic == ZYDIS_MNEMONIC_CRC32;
  }
}

// One bit for each general register that the instruction names, in the open or by implication, other than to
// form an address.
uint32_t used_registers(const FetchedInstruction& instruction) {
  uint32_t used = 0;
  for (int i = 0; i < instruction.info.operand_count; ++i) {
    const ZydisDecodedOperand& operand = instruction.operands[i];
    if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    int index = general_register(operand.reg.value);
    if (index >= 0) used |= 1u << index;
  }
  return used;
}

// Takes a register that needs no REX bit, and that ModRM can use as a plain base.
int8_t take_free_register(uint32_t& used) {
  for (uint8_t candidate : {kRsi, kRdi, kRbx, kRdx, kRcx, kRax}) {
    if ((used & (1u << candidate)) != 0) continue;
    used |= 1u << candidate;
    return static_cast<int8_t>(candidate);
  }
  return -1;
}

bool encoded_rsp(const FetchedInstruction& instruction, ZydisOperandEncoding encoding) {
  for (int i = 0; i < instruction.info.operand_count; ++i) {
    const ZydisDecodedOperand& operand = instruction.operands[i];
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER && operand.encoding == encoding &&
        general_register(operand.reg.value) == kRsp)
      return true;
  }
  return false;
}

void append_legacy_prefixes(const ZydisDecodedInstruction& info, NativeCode& code) {
  for (int i = 0; i < info.raw.prefix_count; ++i) {
    uint8_t value = info.raw.prefixes[i].value;
    bool mandatory = info.raw.prefixes[i].type == ZYDIS_PREFIX_TYPE_MANDATORY;
    bool kept =
        value == 0xf0 || (mandatory && (value == kOperandSizePrefix || value == 0xf2 || value == 0xf3));
    bool repeated = false;
    for (int earlier = 0; earlier < code.size; ++earlier) repeated |= code.bytes[earlier] == value;
    if (kept && !repeated) code.append(value);
  }
  bool mandatory_66 = code.size > 0 && code.bytes[0] == kOperandSizePrefix;
  if (sized_by_prefix(info) && info.operand_width == 16 && !mandatory_66) code.append(kOperandSizePrefix);
}

// Where the bytes after prefixes begin: the VEX prefix or the first opcode byte.
uint8_t opcode_offset(const ZydisDecodedInstruction& info) {
  if ((info.attributes & ZYDIS_ATTRIB_HAS_REX) != 0) return info.raw.rex.offset + 1;
  return info.raw.prefix_count;
}

void append_rex(const FetchedInstruction& instruction, bool memory, NativeCode& code) {
  const ZydisDecodedInstruction& info = instruction.info;
  if ((info.attributes & ZYDIS_ATTRIB_HAS_REX) == 0) return;
  uint8_t rex = instruction.bytes[info.raw.rex.offset];
  code.append(memory ? rex & 0xfc : rex);  // X and B belonged to the old address
}

void append_vex(const FetchedInstruction& instruction, bool memory, int8_t stack_register, NativeCode& code) {
  const auto& vex = instruction.info.raw.vex;
  uint8_t first = code.size;
  for (int i = 0; i < vex.size; ++i) code.append(instruction.bytes[vex.offset + i]);
  if (memory && vex.size == 3) code.bytes[first + 1] |= 0x60;  // X and B, inverted
  if (encoded_rsp(instruction, ZYDIS_OPERAND_ENCODING_NDSNDD)) {
    uint8_t& last = code.bytes[first + vex.size - 1];
    last = static_cast<uint8_t>((last & 0x87) | (~stack_register & 15) << 3);
  }
}

// Outside 64-bit mode there are 8 vector registers and no 64-bit general ones: some bits mean nothing then.
void append_evex(const FetchedInstruction& instruction, bool memory, NativeCode& code) {
  constexpr uint8_t kRegisters = 0xf0, kIndexAndBase = 0x60, kVvvvTop = 0x40, kWide = 0x80, kVTop = 0x08;
  const ZydisDecodedInstruction& info = instruction.info;
  uint8_t first = code.size;
  for (int i = 0; i < 4; ++i) code.append(instruction.bytes[info.raw.evex.offset + i]);
  if (memory) code.bytes[first + 1] |= kIndexAndBase;  // inverted, as all of these
  if (info.machine_mode == ZYDIS_MACHINE_MODE_LONG_64) return;
  code.bytes[first + 1] |= kRegisters;
  code.bytes[first + 2] |= kVvvvTop;
  code.bytes[first + 3] |= kVTop;
  for (int i = 0; i < info.operand_count; ++i) {
    const ZydisDecodedOperand& operand = instruction.operands[i];
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER && general_register(operand.reg.value) >= 0)
      code.bytes[first + 2] &= static_cast<uint8_t>(~kWide);
  }
}

void append_modrm(const FetchedInstruction& instruction, NativeCode& code) {
  const auto& modrm = instruction.info.raw.modrm;
  uint8_t reg = modrm.reg & 7;
  uint8_t rm = modrm.rm & 7;
  if (encoded_rsp(instruction, ZYDIS_OPERAND_ENCODING_MODRM_REG))
    reg = static_cast<uint8_t>(code.stack_register);
  if (code.pointer_register >= 0) {
    code.append(static_cast<uint8_t>(reg << 3 | code.pointer_register));
    return;
  }
  if (encoded_rsp(instruction, ZYDIS_OPERAND_ENCODING_MODRM_RM))
    rm = static_cast<uint8_t>(code.stack_register);
  code.append(static_cast<uint8_t>(0xc0 | reg << 3 | rm));
}

// 40 to 4f outside 64-bit mode are INC and DEC; in 64-bit mode they are REX prefixes.
bool is_short_increment(const ZydisDecodedInstruction& info) {
  return info.machine_mode != ZYDIS_MACHINE_MODE_LONG_64 && info.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
         info.opcode >= 0x40 && info.opcode <= 0x4f;
}

void append_short_increment(const ZydisDecodedInstruction& info, NativeCode& code) {
  uint8_t target = info.opcode & 7;
  if (target == kRsp) target = static_cast<uint8_t>(code.stack_register);
  code.append(0xff);
  code.append(static_cast<uint8_t>(0xc0 | (info.opcode & 8) | target));
}

// Opcode bytes, up to ModRM, the immediates or the end.
void append_opcode(const FetchedInstruction& instruction, uint8_t from, NativeCode& code) {
  const ZydisDecodedInstruction& info = instruction.info;
  bool has_modrm = (info.attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0;
  uint8_t end = info.length;
  if (has_modrm) {
    end = info.raw.modrm.offset;
  } else if (info.raw.imm[0].size != 0) {
    end = info.raw.imm[0].offset;
  }
  for (uint8_t i = from; i < end; ++i) code.append(instruction.bytes[i]);
  if (encoded_rsp(instruction, ZYDIS_OPERAND_ENCODING_OPCODE)) {
    uint8_t& last = code.bytes[code.size - 1];
    last = static_cast<uint8_t>((last & 0xf8) | code.stack_register);
  }
  // 82 was an alias of 80 outside 64-bit mode.
  if (info.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && info.opcode == 0x82) code.bytes[code.size - 1] = 0x80;
}
}  // namespace

const ZydisDecodedOperand* memory_operand(const FetchedInstruction& instruction) {
  for (int i = 0; i < instruction.info.operand_count; ++i) {
    const ZydisDecodedOperand& operand = instruction.operands[i];
    if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.type == ZYDIS_MEMOP_TYPE_MEM)
      return &operand;
  }
  return nullptr;
}

std::optional<NativeCode> recode(const FetchedInstruction& instruction) {
  const ZydisDecodedInstruction& info = instruction.info;
  bool vex = info.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
  bool evex = info.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX;
  if (!vex && !evex && info.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY) return std::nullopt;
  bool memory = memory_operand(instruction) != nullptr;
  bool has_modrm = (info.attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0;
  if (memory && (!has_modrm || info.raw.modrm.mod == 3)) return std::nullopt;

  NativeCode code;
  uint32_t used = used_registers(instruction);
  if (memory && (code.pointer_register = take_free_register(used)) < 0) return std::nullopt;
  if ((used & (1u << kRsp)) != 0 && (code.stack_register = take_free_register(used)) < 0) return std::nullopt;

  if (!vex && !evex) append_legacy_prefixes(info, code);
  if (is_short_increment(info)) {
    append_short_increment(info, code);
    return code;
  }
  uint8_t from = 0;
  if (vex) {
    append_vex(instruction, memory, code.stack_register, code);
    from = info.raw.vex.offset + info.raw.vex.size;
  } else if (evex) {
    constexpr uint8_t kEvexSize = 4;
    append_evex(instruction, memory, code);
    from = info.raw.evex.offset + kEvexSize;
  } else {
    append_rex(instruction, memory, code);
    from = opcode_offset(info);
  }
  append_opcode(instruction, from, code);
  if (has_modrm) append_modrm(instruction, code);
  for (const auto& immediate : info.raw.imm) {
    for (int i = 0; i < immediate.size / 8; ++i) code.append(instruction.bytes[immediate.offset + i]);
  }
  return code;
}

}  // namespace cumulet::hypervisor
