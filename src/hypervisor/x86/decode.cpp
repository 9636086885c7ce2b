// Decoding by Zydis, and the classification of instructions: a list of what may run natively, all else
// refused.
#include "hypervisor/x86/decode.h"

#include <Zydis/Zydis.h>
#include <algorithm>

#include "base/check.h"
#include "hypervisor/x86/wide_vectors.h"

namespace cumulet::hypervisor {

namespace {
using Kind = InstructionKind;

constexpr uint16_t kArithmeticFlags = ZYDIS_CPUFLAG_CF | ZYDIS_CPUFLAG_PF | ZYDIS_CPUFLAG_AF |
                                      ZYDIS_CPUFLAG_ZF | ZYDIS_CPUFLAG_SF | ZYDIS_CPUFLAG_OF;

struct Raw {
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

const ZydisDecoder& decoder() {
  static const ZydisDecoder kDecoder = [] {
    ZydisDecoder made;
    CHECK(ZYAN_SUCCESS(ZydisDecoderInit(&made, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)));
    return made;
  }();
  return kDecoder;
}

uint16_t register_mask(ZydisRegister name) {
  ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, name);
  if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15) return 0;
  return static_cast<uint16_t>(1 << ZydisRegisterGetId(whole));
}

uint8_t register_number(ZydisRegister name) {
  return static_cast<uint8_t>(
      ZydisRegisterGetId(ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, name)));
}

// Shifts and rotates by 0 leave every flag as it was (SDM volume 2, SAL/SAR/SHL/SHR).
bool may_keep_flags(const Raw& raw) {
  switch (raw.instruction.mnemonic) {
    case ZYDIS_MNEMONIC_SHL:
    case ZYDIS_MNEMONIC_SHR:
    case ZYDIS_MNEMONIC_SAR:
    case ZYDIS_MNEMONIC_ROL:
    case ZYDIS_MNEMONIC_ROR:
    case ZYDIS_MNEMONIC_RCL:
    case ZYDIS_MNEMONIC_RCR:
      return raw.operands[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
             (raw.operands[1].imm.value.u & 0x1f) == 0;
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD:
      return raw.operands[2].type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
             (raw.operands[2].imm.value.u & 0x1f) == 0;
    default: return false;
  }
}

// Flags that are undefined after an instruction (SDM volume 1, appendix A) hold nothing of what was in them
// before, on every processor known; but some processors leave them alone in multiplications and divisions.
bool writes_undefined_flags(const Raw& raw) {
  switch (raw.instruction.meta.category) {
    case ZYDIS_CATEGORY_LOGICAL:
    case ZYDIS_CATEGORY_SHIFT: return true;
    default: return false;
  }
}

void describe_flags(const Raw& raw, DecodedInstruction& out) {
  const ZydisAccessedFlags* flags = raw.instruction.cpu_flags;
  if (flags != nullptr) {
    out.flags_read = flags->tested & kArithmeticFlags;
    if (!may_keep_flags(raw)) {
      out.flags_killed = (flags->modified | flags->set_0 | flags->set_1) & kArithmeticFlags;
      if (writes_undefined_flags(raw)) out.flags_killed |= flags->undefined & kArithmeticFlags;
    }
  }
  switch (raw.instruction.meta.category) {
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_CMOV:
    case ZYDIS_CATEGORY_FCMOV:
    case ZYDIS_CATEGORY_SETCC: out.flags_read = kArithmeticFlags; break;
    default: break;
  }
  if (raw.instruction.mnemonic == ZYDIS_MNEMONIC_LAHF) out.flags_read = kArithmeticFlags;
}

// What may run natively, by Zydis' category. Kinds that need more than this are picked out before.
bool is_computation(const ZydisDecodedInstruction& instruction) {
  if (is_wide_vector_set(instruction.meta.isa_set)) return true;
  switch (instruction.meta.category) {
    case ZYDIS_CATEGORY_ADOX_ADCX:
    case ZYDIS_CATEGORY_AES:
    case ZYDIS_CATEGORY_AVX:
    case ZYDIS_CATEGORY_AVX2:
    case ZYDIS_CATEGORY_BINARY:
    case ZYDIS_CATEGORY_BITBYTE:
    case ZYDIS_CATEGORY_BLEND:
    case ZYDIS_CATEGORY_BMI1:
    case ZYDIS_CATEGORY_BMI2:
    case ZYDIS_CATEGORY_BROADCAST:
    case ZYDIS_CATEGORY_CMOV:
    case ZYDIS_CATEGORY_CONVERT:
    case ZYDIS_CATEGORY_DATAXFER:
    case ZYDIS_CATEGORY_FCMOV:
    case ZYDIS_CATEGORY_LOGICAL:
    case ZYDIS_CATEGORY_LOGICAL_FP:
    case ZYDIS_CATEGORY_LZCNT:
    case ZYDIS_CATEGORY_MMX:
    case ZYDIS_CATEGORY_PCLMULQDQ:
    case ZYDIS_CATEGORY_RDRAND:
    case ZYDIS_CATEGORY_RDSEED:
    case ZYDIS_CATEGORY_ROTATE:
    case ZYDIS_CATEGORY_SEMAPHORE:
    case ZYDIS_CATEGORY_SETCC:
    case ZYDIS_CATEGORY_SHA:
    case ZYDIS_CATEGORY_SHIFT:
    case ZYDIS_CATEGORY_SSE:
    case ZYDIS_CATEGORY_STTNI:
    case ZYDIS_CATEGORY_VFMA:
    case ZYDIS_CATEGORY_X87_ALU: return true;
    default: break;
  }
  switch (instruction.mnemonic) {
    case ZYDIS_MNEMONIC_CLC:
    case ZYDIS_MNEMONIC_STC:
    case ZYDIS_MNEMONIC_CMC:
    case ZYDIS_MNEMONIC_LAHF:
    case ZYDIS_MNEMONIC_SAHF:
    case ZYDIS_MNEMONIC_LEA:
    case ZYDIS_MNEMONIC_PAUSE:
    case ZYDIS_MNEMONIC_LFENCE:
    case ZYDIS_MNEMONIC_SFENCE:
    case ZYDIS_MNEMONIC_MFENCE:
    case ZYDIS_MNEMONIC_ENDBR64:
    case ZYDIS_MNEMONIC_RDSSPD:  // does nothing: shadow stacks are off
    case ZYDIS_MNEMONIC_RDSSPQ:
    case ZYDIS_MNEMONIC_POPCNT:
    case ZYDIS_MNEMONIC_CRC32:
    case ZYDIS_MNEMONIC_BSWAP: return true;
    default: return false;
  }
}

// Of those, what depends on state that the host does not share with the guest, or may not run with its memory
// operand moved.
bool is_refused(const Raw& raw) {
  const ZydisDecodedInstruction& instruction = raw.instruction;
  bool known = instruction.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY ||
               instruction.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX ||
               is_wide_vector_set(instruction.meta.isa_set);
  if (!known) return true;
  if ((instruction.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED) != 0) return true;
  switch (instruction.mnemonic) {
    case ZYDIS_MNEMONIC_FXSAVE:
    case ZYDIS_MNEMONIC_FXSAVE64:
    case ZYDIS_MNEMONIC_FXRSTOR:
    case ZYDIS_MNEMONIC_FXRSTOR64:
    case ZYDIS_MNEMONIC_MASKMOVQ:
    case ZYDIS_MNEMONIC_MASKMOVDQU:
    case ZYDIS_MNEMONIC_VMASKMOVDQU:
    case ZYDIS_MNEMONIC_VMASKMOVPS:  // masked lanes take no fault: the whole operand may not be accessible
    case ZYDIS_MNEMONIC_VMASKMOVPD:
    case ZYDIS_MNEMONIC_VPMASKMOVD:
    case ZYDIS_MNEMONIC_VPMASKMOVQ:
    case ZYDIS_MNEMONIC_CLZERO:
    case ZYDIS_MNEMONIC_RDPID:
    case ZYDIS_MNEMONIC_XTEST:
    case ZYDIS_MNEMONIC_XLAT: return true;
    // The only ones of MMX with an operand of 16 bytes: an x87 exception that waits comes before its page
    // fault (SDM volume 2, CVTPD2PI), while all others of that size fault at once.
    case ZYDIS_MNEMONIC_CVTPD2PI:
    case ZYDIS_MNEMONIC_CVTTPD2PI: return raw.operands[1].type == ZYDIS_OPERAND_TYPE_MEMORY;
    default: return false;
  }
}

bool is_bit_string(const Raw& raw) {
  switch (raw.instruction.mnemonic) {
    case ZYDIS_MNEMONIC_BT:
    case ZYDIS_MNEMONIC_BTS:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTC:
      return raw.operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY &&
             raw.operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER;
    default: return false;
  }
}

ExtendedState extended_state(const Raw& raw) {
  auto state = ExtendedState::kNone;
  for (uint8_t i = 0; i < raw.instruction.operand_count; ++i) {
    if (raw.operands[i].type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    switch (ZydisRegisterGetClass(raw.operands[i].reg.value)) {
      case ZYDIS_REGCLASS_X87:
      case ZYDIS_REGCLASS_MMX:
      case ZYDIS_REGCLASS_XMM:
      case ZYDIS_REGCLASS_YMM: state = ExtendedState::kSse; break;
      default: break;
    }
    if (raw.operands[i].reg.value == ZYDIS_REGISTER_MXCSR) state = ExtendedState::kSse;
  }
  if (raw.instruction.meta.category == ZYDIS_CATEGORY_X87_ALU ||
      raw.instruction.meta.category == ZYDIS_CATEGORY_MMX ||
      raw.instruction.meta.category == ZYDIS_CATEGORY_FCMOV ||
      raw.instruction.mnemonic == ZYDIS_MNEMONIC_VZEROUPPER ||
      raw.instruction.mnemonic == ZYDIS_MNEMONIC_VZEROALL)
    state = ExtendedState::kSse;
  bool general = raw.instruction.meta.category == ZYDIS_CATEGORY_BMI1 ||
                 raw.instruction.meta.category == ZYDIS_CATEGORY_BMI2;
  if (raw.instruction.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX && !general) state = ExtendedState::kAvx;
  if (is_wide_vector_set(raw.instruction.meta.isa_set)) state = ExtendedState::kWide;
  return state;
}

// What EVEX adds to a memory operand: a mask, and 8-bit displacements in units (SDM volume 2, 2.7.5).
void describe_compression(const Raw& raw, const ZydisDecodedOperand& operand, MemoryOperand& out) {
  if (raw.instruction.encoding != ZYDIS_INSTRUCTION_ENCODING_EVEX) return;
  out.masked = raw.instruction.avx.mask.mode != ZYDIS_MASK_MODE_DISABLED;
  const auto& displacement = raw.instruction.raw.disp;
  if (displacement.size != 8 || displacement.value == 0) return;
  constexpr uint8_t kMostShift = 6;
  while (out.displacement_shift < kMostShift &&
         displacement.value * (int64_t{1} << out.displacement_shift) != operand.mem.disp.value)
    ++out.displacement_shift;
}

// Looks at every operand; false if one is of a kind that cannot run natively.
bool describe_operands(const Raw& raw, uint64_t rip, DecodedInstruction& out) {
  for (uint8_t i = 0; i < raw.instruction.operand_count; ++i) {
    const ZydisDecodedOperand& operand = raw.operands[i];
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) {
      switch (ZydisRegisterGetClass(operand.reg.value)) {
        case ZYDIS_REGCLASS_SEGMENT:
        case ZYDIS_REGCLASS_CONTROL:
        case ZYDIS_REGCLASS_DEBUG:
        case ZYDIS_REGCLASS_TEST:
        case ZYDIS_REGCLASS_BOUND:
        case ZYDIS_REGCLASS_TMM: return false;
        default: break;
      }
      out.registers |= register_mask(operand.reg.value);
      if ((operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0)
        out.registers_written |= register_mask(operand.reg.value);
      if ((operand.actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0 || operand.size < 32)
        out.registers_read |= register_mask(operand.reg.value);
    } else if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) {
      out.registers |= register_mask(operand.mem.base) | register_mask(operand.mem.index);
      out.registers_read |= register_mask(operand.mem.base) | register_mask(operand.mem.index);
      out.memory.rip_relative = operand.mem.base == ZYDIS_REGISTER_RIP;
      if (operand.mem.base == ZYDIS_REGISTER_EIP) return false;
      if (out.memory.rip_relative) {
        ZyanU64 address = 0;
        if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&raw.instruction, &operand, rip, &address))) return false;
        out.target = address;
      }
      if (operand.mem.type == ZYDIS_MEMOP_TYPE_AGEN) continue;
      if (operand.mem.type != ZYDIS_MEMOP_TYPE_MEM || operand.encoding != ZYDIS_OPERAND_ENCODING_MODRM_RM)
        return false;
      if (out.memory.size != 0 || operand.size == 0 || operand.size > 64 * 8) return false;
      out.memory.size = static_cast<uint8_t>(operand.size / 8);
      out.memory.write = (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
      if (operand.mem.segment == ZYDIS_REGISTER_FS) out.memory.segment = MemoryOperand::Base::kFs;
      if (operand.mem.segment == ZYDIS_REGISTER_GS) out.memory.segment = MemoryOperand::Base::kGs;
      describe_compression(raw, operand, out.memory);
    }
  }
  return true;
}

void describe_encoding(const Raw& raw, DecodedInstruction& out) {
  const auto& layout = raw.instruction.raw;
  if (raw.instruction.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX) {
    out.vex_offset = layout.vex.offset;
    out.vex_size = layout.vex.size;
    out.opcode_offset = out.vex_offset + out.vex_size;
  } else if (raw.instruction.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX) {
    constexpr uint8_t kEvexSize = 4;
    out.vex_offset = layout.evex.offset;
    out.vex_size = kEvexSize;
    out.opcode_offset = out.vex_offset + out.vex_size;
  } else {
    bool has_rex = (raw.instruction.attributes & ZYDIS_ATTRIB_HAS_REX) != 0;
    out.rex_offset = has_rex ? layout.rex.offset : 0;
    out.opcode_offset = has_rex ? layout.rex.offset + 1 : layout.prefix_count;
  }
  if ((raw.instruction.attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0) {
    out.modrm_offset = layout.modrm.offset;
    bool has_sib = raw.instruction.attributes & ZYDIS_ATTRIB_HAS_SIB;
    out.operand_end = out.modrm_offset + 1 + (has_sib ? 1 : 0) + layout.disp.size / 8;
  }
  out.memory.address32 = raw.instruction.address_width == 32;
}

// A REX prefix at offset 0 means "none" in DecodedInstruction, so the instruction's first prefix is looked at
// too.
bool has_rex(const DecodedInstruction& instruction) {
  return instruction.vex_size == 0 && instruction.opcode_offset > 0 &&
         (instruction.bytes[instruction.opcode_offset - 1] & 0xf0) == 0x40 &&
         instruction.rex_offset == instruction.opcode_offset - 1;
}

Kind control_flow_kind(const Raw& raw, uint64_t rip, DecodedInstruction& out) {
  const ZydisDecodedOperand& operand = raw.operands[0];
  const ZydisDecodedInstruction& instruction = raw.instruction;
  if (instruction.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR || instruction.operand_width == 16)
    return Kind::kInterpret;
  bool call = instruction.meta.category == ZYDIS_CATEGORY_CALL;
  if (instruction.meta.category == ZYDIS_CATEGORY_RET) {
    if (instruction.mnemonic != ZYDIS_MNEMONIC_RET) return Kind::kInterpret;
    out.immediate =
        operand.type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? static_cast<int64_t>(operand.imm.value.u) : 0;
    return Kind::kReturn;
  }
  if (operand.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
    ZyanU64 target = 0;
    if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&instruction, &operand, rip, &target)))
      return Kind::kInterpret;
    out.target = target;
    if (instruction.meta.category == ZYDIS_CATEGORY_COND_BR) {
      bool counts =
          out.bytes[out.opcode_offset] >= 0xe0 && out.bytes[out.opcode_offset] <= 0xe3;  // loop, jrcxz
      if (counts && out.memory.address32) return Kind::kInterpret;
      if (counts) out.registers |= 1 << 1, out.registers_written |= 1 << 1;
      return Kind::kJumpConditional;
    }
    return call ? Kind::kCall : Kind::kJump;
  }
  if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) {
    out.operand_register = register_number(operand.reg.value);
    return call ? Kind::kCallRegister : Kind::kJumpRegister;
  }
  return call ? Kind::kCallMemory : Kind::kJumpMemory;
}

Kind stack_kind(const Raw& raw, DecodedInstruction& out) {
  const ZydisDecodedOperand& operand = raw.operands[0];
  if (raw.instruction.operand_width != 64) return Kind::kInterpret;
  bool pop = raw.instruction.mnemonic == ZYDIS_MNEMONIC_POP;
  if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER &&
      ZydisRegisterGetClass(operand.reg.value) == ZYDIS_REGCLASS_GPR64) {
    out.operand_register = register_number(operand.reg.value);
    return pop ? Kind::kPopRegister : Kind::kPushRegister;
  }
  if (pop) return Kind::kInterpret;
  if (operand.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
    out.immediate = operand.imm.value.s;
    return Kind::kPushImmediate;
  }
  return operand.type == ZYDIS_OPERAND_TYPE_MEMORY ? Kind::kPushMemory : Kind::kInterpret;
}

// The operands of stack and flow instructions include the stack itself; only the explicit one counts here.
bool describe_explicit_operand(Raw& raw, uint64_t rip, DecodedInstruction& out) {
  uint8_t visible = raw.instruction.operand_count_visible;
  raw.instruction.operand_count = std::min<uint8_t>(visible, 1);
  bool known = describe_operands(raw, rip, out);
  out.registers |= 1 << 4;  // rsp
  return known;
}

// By category, so that what is not listed counts as using extended state.
bool is_general(const ZydisDecodedInstruction& instruction) {
  if (instruction.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY) return false;
  switch (instruction.meta.category) {
    case ZYDIS_CATEGORY_BINARY:
    case ZYDIS_CATEGORY_BITBYTE:
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_CMOV:
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_FLAGOP:
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_IO:
    case ZYDIS_CATEGORY_IOSTRINGOP:
    case ZYDIS_CATEGORY_LOGICAL:
    case ZYDIS_CATEGORY_POP:
    case ZYDIS_CATEGORY_PUSH:
    case ZYDIS_CATEGORY_RDWRFSGS:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_ROTATE:
    case ZYDIS_CATEGORY_SEGOP:
    case ZYDIS_CATEGORY_SEMAPHORE:
    case ZYDIS_CATEGORY_SETCC:
    case ZYDIS_CATEGORY_SHIFT:
    case ZYDIS_CATEGORY_STRINGOP:
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_SYSTEM:
    case ZYDIS_CATEGORY_UNCOND_BR: return true;
    default: break;
  }
  switch (instruction.mnemonic) {
    case ZYDIS_MNEMONIC_CPUID:
    case ZYDIS_MNEMONIC_ENTER:
    case ZYDIS_MNEMONIC_INVPCID:
    case ZYDIS_MNEMONIC_LEAVE:
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
    case ZYDIS_MNEMONIC_MOVZX:
    case ZYDIS_MNEMONIC_UD2:
    case ZYDIS_MNEMONIC_XCHG: return true;
    default: return false;
  }
}

// mov register, segment register.
bool is_segment_read(const Raw& raw, DecodedInstruction& out) {
  const ZydisDecodedOperand& to = raw.operands[0];
  const ZydisDecodedOperand& from = raw.operands[1];
  if (raw.instruction.mnemonic != ZYDIS_MNEMONIC_MOV || to.type != ZYDIS_OPERAND_TYPE_REGISTER ||
      from.type != ZYDIS_OPERAND_TYPE_REGISTER ||
      ZydisRegisterGetClass(from.reg.value) != ZYDIS_REGCLASS_SEGMENT)
    return false;
  out.registers = out.registers_written = register_mask(to.reg.value);
  out.operand_register = register_number(to.reg.value);
  out.operand_size = static_cast<uint8_t>(to.size / 8);
  out.immediate = ZydisRegisterGetId(from.reg.value);
  return true;
}

// The address that the first operand names, where the instruction itself says what is there. False: in a
// segment with a base, or relative to EIP.
bool describe_address(const Raw& raw, uint64_t rip, DecodedInstruction& out) {
  const ZydisDecodedOperand& operand = raw.operands[0];
  bool usual = operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.segment != ZYDIS_REGISTER_FS &&
               operand.mem.segment != ZYDIS_REGISTER_GS && operand.mem.base != ZYDIS_REGISTER_EIP;
  if (!usual) return false;
  out.registers |= register_mask(operand.mem.base) | register_mask(operand.mem.index);
  out.memory.rip_relative = operand.mem.base == ZYDIS_REGISTER_RIP;
  ZyanU64 address = 0;
  if (out.memory.rip_relative &&
      !ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&raw.instruction, &operand, rip, &address)))
    return false;
  out.target = address;
  return true;
}

// The instructions of SystemOperation.
bool is_system(const Raw& raw, uint64_t rip, DecodedInstruction& out) {
  using Operation = SystemOperation;
  const ZydisDecodedInstruction& instruction = raw.instruction;
  const ZydisDecodedOperand& first = raw.operands[0];
  bool wide = instruction.operand_width == 64;
  auto is = [&out](Operation operation, bool usual = true) {
    out.system = operation;
    return usual;
  };
  auto base_access = [&](Operation operation) {
    out.operand_register = register_number(first.reg.value);
    return is(operation, wide);
  };
  switch (instruction.mnemonic) {
    case ZYDIS_MNEMONIC_SYSCALL: return is(Operation::kSyscall);
    case ZYDIS_MNEMONIC_SYSRET: return is(Operation::kSysret, wide);
    case ZYDIS_MNEMONIC_IRETQ: return is(Operation::kInterruptReturn);
    case ZYDIS_MNEMONIC_POPFQ: return is(Operation::kPopFlags);
    case ZYDIS_MNEMONIC_CPUID: return is(Operation::kCpuid);
    case ZYDIS_MNEMONIC_RDMSR: return is(Operation::kReadMsr);
    case ZYDIS_MNEMONIC_WRMSR: return is(Operation::kWriteMsr);
    case ZYDIS_MNEMONIC_RDFSBASE: return base_access(Operation::kReadFsBase);
    case ZYDIS_MNEMONIC_RDGSBASE: return base_access(Operation::kReadGsBase);
    case ZYDIS_MNEMONIC_WRFSBASE: return base_access(Operation::kWriteFsBase);
    case ZYDIS_MNEMONIC_WRGSBASE: return base_access(Operation::kWriteGsBase);
    case ZYDIS_MNEMONIC_INVLPG: return is(Operation::kInvalidatePage, describe_address(raw, rip, out));
    case ZYDIS_MNEMONIC_XSAVE64:
    case ZYDIS_MNEMONIC_XSAVEOPT64:
    case ZYDIS_MNEMONIC_XRSTOR64: {
      bool saves = instruction.mnemonic != ZYDIS_MNEMONIC_XRSTOR64;
      if (!describe_address(raw, rip, out)) return false;
      out.state = ExtendedState::kAvx;
      return is(saves ? Operation::kSaveExtended : Operation::kRestoreExtended);
    }
    case ZYDIS_MNEMONIC_MOV: {
      const ZydisDecodedOperand& from = raw.operands[1];
      auto is_control = [](const ZydisDecodedOperand& operand) {
        return operand.type == ZYDIS_OPERAND_TYPE_REGISTER &&
               ZydisRegisterGetClass(operand.reg.value) == ZYDIS_REGCLASS_CONTROL;
      };
      if (is_control(first)) {
        out.operand_register = register_number(from.reg.value);
        out.immediate = ZydisRegisterGetId(first.reg.value);
        return is(Operation::kWriteControl);
      }
      if (!is_control(from)) return false;
      out.operand_register = register_number(first.reg.value);
      out.immediate = ZydisRegisterGetId(from.reg.value);
      return is(Operation::kReadControl);
    }
    default: return false;
  }
}

// rep movs and rep stos in their usual form: 64-bit addresses, no segment with a base.
Kind string_kind(const Raw& raw, DecodedInstruction& out) {
  constexpr uint16_t kMoveRegisters = 1 << 1 | 1 << 6 | 1 << 7, kStoreRegisters = 1 << 0 | 1 << 1 | 1 << 7;
  const ZydisDecodedInstruction& instruction = raw.instruction;
  bool usual = (instruction.attributes & ZYDIS_ATTRIB_HAS_REP) != 0 && instruction.address_width == 64;
  if (!usual || instruction.meta.category != ZYDIS_CATEGORY_STRINGOP) return Kind::kInterpret;
  for (uint8_t i = 0; i < instruction.operand_count; ++i) {
    const ZydisDecodedOperand& operand = raw.operands[i];
    if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY) continue;
    if (operand.mem.segment == ZYDIS_REGISTER_FS || operand.mem.segment == ZYDIS_REGISTER_GS)
      return Kind::kInterpret;
    out.operand_size = static_cast<uint8_t>(operand.size / 8);
  }
  switch (instruction.mnemonic) {
    case ZYDIS_MNEMONIC_MOVSB:
    case ZYDIS_MNEMONIC_MOVSW:
    case ZYDIS_MNEMONIC_MOVSD:
    case ZYDIS_MNEMONIC_MOVSQ:
      out.registers = out.registers_written = kMoveRegisters;
      return Kind::kRepeatMove;
    case ZYDIS_MNEMONIC_STOSB:
    case ZYDIS_MNEMONIC_STOSW:
    case ZYDIS_MNEMONIC_STOSD:
    case ZYDIS_MNEMONIC_STOSQ:
      out.registers = kStoreRegisters;
      out.registers_written = kStoreRegisters & ~1;
      return Kind::kRepeatStore;
    default: return Kind::kInterpret;
  }
}

Kind kind_of(Raw& raw, uint64_t rip, DecodedInstruction& out) {
  bool wide = raw.instruction.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX;
  if (wide && !is_wide_vector_set(raw.instruction.meta.isa_set)) return Kind::kInterpret;
  switch (raw.instruction.mnemonic) {
    case ZYDIS_MNEMONIC_XBEGIN:
    case ZYDIS_MNEMONIC_XEND:
    case ZYDIS_MNEMONIC_XABORT: return Kind::kInterpret;
    case ZYDIS_MNEMONIC_CLI: return Kind::kClearInterrupts;
    case ZYDIS_MNEMONIC_STI: return Kind::kSetInterrupts;
    case ZYDIS_MNEMONIC_CLD: return Kind::kClearDirection;
    case ZYDIS_MNEMONIC_SWAPGS: return Kind::kSwapGs;
    case ZYDIS_MNEMONIC_SERIALIZE: return Kind::kSerialize;
    case ZYDIS_MNEMONIC_RDTSCP: out.registers = out.registers_written = 0b111; return Kind::kReadTscAux;
    case ZYDIS_MNEMONIC_STAC: return Kind::kSetAccess;
    case ZYDIS_MNEMONIC_CLAC: return Kind::kClearAccess;
    case ZYDIS_MNEMONIC_RDTSC: out.registers = out.registers_written = 0b101; return Kind::kReadTsc;
    case ZYDIS_MNEMONIC_PUSHFQ: out.registers = 1 << 4; return Kind::kPushFlags;
    case ZYDIS_MNEMONIC_LEAVE:
      out.registers = out.registers_written = 0b110000;  // rsp gets an unrelated value
      return raw.instruction.operand_width == 64 ? Kind::kLeave : Kind::kInterpret;
    case ZYDIS_MNEMONIC_PUSH:
    case ZYDIS_MNEMONIC_POP:
      return describe_explicit_operand(raw, rip, out) ? stack_kind(raw, out) : Kind::kInterpret;
    default: break;
  }
  if (is_segment_read(raw, out)) return Kind::kReadSegment;
  if (is_system(raw, rip, out)) return Kind::kSystem;
  switch (raw.instruction.meta.category) {
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_UNCOND_BR:
      return describe_explicit_operand(raw, rip, out) ? control_flow_kind(raw, rip, out) : Kind::kInterpret;
    case ZYDIS_CATEGORY_NOP:  // its memory operand is not accessed
    case ZYDIS_CATEGORY_WIDENOP:
    case ZYDIS_CATEGORY_PREFETCH: return Kind::kNothing;
    case ZYDIS_CATEGORY_STRINGOP: return string_kind(raw, out);
    default: break;
  }
  if (!is_computation(raw.instruction) || is_refused(raw) || !describe_operands(raw, rip, out))
    return Kind::kInterpret;
  if (raw.instruction.mnemonic == ZYDIS_MNEMONIC_LEA) {
    if (!out.memory.rip_relative) return Kind::kCopy;
    out.operand_register = register_number(raw.operands[0].reg.value);
    if (raw.instruction.operand_width == 16 || out.memory.address32) return Kind::kInterpret;
    if (raw.instruction.operand_width == 32) out.target &= 0xffffffff;
    return Kind::kRipAddress;
  }
  if (out.memory.size == 0) return Kind::kCopy;
  if (is_bit_string(raw)) {
    out.operand_register = register_number(raw.operands[1].reg.value);
    bool usual = raw.instruction.operand_width != 16 && !out.memory.address32;  // 32-bit addresses wrap
    return usual ? Kind::kBitString : Kind::kInterpret;
  }
  return Kind::kMemory;
}
}  // namespace

DecodedInstruction decode_64bit(ByteView bytes, uint64_t rip) {
  DecodedInstruction out;
  Raw raw;
  if (!ZYAN_SUCCESS(
          ZydisDecoderDecodeFull(&decoder(), bytes.data(), bytes.size(), &raw.instruction, raw.operands)))
    return out;
  out.length = raw.instruction.length;
  std::copy_n(bytes.begin(), out.length, out.bytes.begin());
  out.operand_size = static_cast<uint8_t>(raw.instruction.operand_width / 8);
  describe_encoding(raw, out);
  out.state = extended_state(raw);
  describe_flags(raw, out);
  out.kind = kind_of(raw, rip, out);
  out.general = out.state == ExtendedState::kNone && is_general(raw.instruction);
  return out;
}

EncodedBytes with_memory_base(const DecodedInstruction& instruction, uint8_t base) {
  CHECK(base < 8 && base != 4 && instruction.modrm_offset != 0);
  EncodedBytes out;
  uint8_t prefixes_end = instruction.vex_size != 0 ? instruction.vex_offset
                         : has_rex(instruction)    ? instruction.rex_offset
                                                   : instruction.opcode_offset;
  for (uint8_t i = 0; i < prefixes_end; ++i) {
    uint8_t prefix = instruction.bytes[i];
    if (prefix == 0x66 || prefix == 0xf2 || prefix == 0xf3 || prefix == 0xf0) out.append(prefix);
  }
  if (instruction.vex_size >= 3) {
    out.append(instruction.bytes[instruction.vex_offset]);
    out.append(instruction.bytes[instruction.vex_offset + 1] | 0x60);  // X and B are stored inverted
    for (uint8_t i = 2; i < instruction.vex_size; ++i)
      out.append(instruction.bytes[instruction.vex_offset + i]);
  } else if (instruction.vex_size == 2) {
    out.append(instruction.bytes[instruction.vex_offset]);
    out.append(instruction.bytes[instruction.vex_offset + 1]);
  } else if (has_rex(instruction)) {
    out.append(instruction.bytes[instruction.rex_offset] & ~3);
  }
  for (uint8_t i = instruction.opcode_offset; i < instruction.modrm_offset; ++i)
    out.append(instruction.bytes[i]);
  uint8_t reg = instruction.bytes[instruction.modrm_offset] & 0x38;
  out.append((base == 5 ? 0x40 : 0) | reg | base);
  if (base == 5) out.append(0);
  for (uint8_t i = instruction.operand_end; i < instruction.length; ++i) out.append(instruction.bytes[i]);
  return out;
}

EncodedBytes load_operand_address(const DecodedInstruction& instruction, uint8_t destination) {
  CHECK(instruction.modrm_offset != 0 && !instruction.memory.rip_relative);
  EncodedBytes out;
  if (instruction.memory.address32) out.append(0x67);
  uint8_t extension = 0;
  if (instruction.vex_size >= 3) {
    extension = static_cast<uint8_t>(~instruction.bytes[instruction.vex_offset + 1] >> 5) & 3;
  } else if (instruction.vex_size == 0 && has_rex(instruction)) {
    extension = instruction.bytes[instruction.rex_offset] & 3;
  }
  out.append(static_cast<uint8_t>(0x48 | (destination >= 8 ? 4 : 0) | extension));
  out.append(0x8d);
  uint8_t modrm = instruction.bytes[instruction.modrm_offset];
  uint8_t operand_end = instruction.operand_end;
  bool widened = instruction.memory.displacement_shift != 0;
  if (widened) {  // to 32 bits: lea has no units
    constexpr uint8_t kShort = 0x40, kLong = 0x80;
    modrm = static_cast<uint8_t>((modrm & ~kShort) | kLong);
    --operand_end;
  }
  out.append(static_cast<uint8_t>((modrm & 0xc7) | ((destination & 7) << 3)));
  for (uint8_t i = instruction.modrm_offset + 1; i < operand_end; ++i) out.append(instruction.bytes[i]);
  if (!widened) return out;
  auto units = static_cast<int8_t>(instruction.bytes[operand_end]);
  auto displacement = static_cast<uint32_t>(int32_t{units} * (1 << instruction.memory.displacement_shift));
  for (int i = 0; i < 4; ++i) out.append(static_cast<uint8_t>(displacement >> (8 * i)));
  return out;
}

}  // namespace cumulet::hypervisor
