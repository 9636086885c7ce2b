// Plain moves, address arithmetic and instructions without visible effect.
#include "hypervisor/interpret/descriptors.h"
#include "hypervisor/interpret/instructions.h"
#include "hypervisor/interpret/memory_access.h"
#include "hypervisor/interpret/operands.h"

namespace cumulet::hypervisor {

namespace {
bool is_segment_register(const ZydisDecodedOperand& operand) {
  return operand.type == ZYDIS_OPERAND_TYPE_REGISTER && operand.reg.value >= ZYDIS_REGISTER_ES &&
         operand.reg.value <= ZYDIS_REGISTER_GS;
}

bool is_control_register(const ZydisDecodedOperand& operand) {
  return operand.type == ZYDIS_OPERAND_TYPE_REGISTER && operand.reg.value >= ZYDIS_REGISTER_CR0 &&
         operand.reg.value <= ZYDIS_REGISTER_CR15;
}

bool is_debug_register(const ZydisDecodedOperand& operand) {
  return operand.type == ZYDIS_OPERAND_TYPE_REGISTER && operand.reg.value >= ZYDIS_REGISTER_DR0 &&
         operand.reg.value <= ZYDIS_REGISTER_DR15;
}

bool move_to_segment(Execution& x) {
  SegmentRegister target = segment_of(x.operand(0).reg.value);
  uint64_t selector = 0;
  if (target == kCs) return x.stop(invalid_opcode());
  if (!read_operand(x, x.operand(1), selector)) return false;
  if (!load_segment(x, target, static_cast<uint16_t>(selector))) return false;
  if (target == kSs) x.state.interrupt_shadow = true;
  return true;
}
}  // namespace

bool execute_mov(Execution& x) {
  const ZydisDecodedOperand& to = x.operand(0);
  const ZydisDecodedOperand& from = x.operand(1);
  if (is_control_register(to) || is_control_register(from)) return execute_mov_control(x);
  if (is_debug_register(to) || is_debug_register(from)) return execute_mov_debug(x);
  if (is_segment_register(to)) return move_to_segment(x);
  uint64_t value = 0;
  if (is_segment_register(from)) {
    value = x.state.segments[segment_of(from.reg.value)].selector;
  } else if (!read_operand(x, from, value)) {
    return false;
  }
  return write_operand(x, to, value);
}

bool execute_sign_extend(Execution& x) {
  uint64_t value = 0;
  if (!read_operand(x, x.operand(1), value)) return false;
  unsigned unused_bits = 64 - x.operand(1).size;
  bool sign_extends = x.info().mnemonic != ZYDIS_MNEMONIC_MOVZX;
  if (sign_extends) value = static_cast<uint64_t>(static_cast<int64_t>(value << unused_bits) >> unused_bits);
  return write_operand(x, x.operand(0), value);
}

bool execute_lea(Execution& x) {
  if (x.operand(1).type != ZYDIS_OPERAND_TYPE_MEMORY) return x.stop(invalid_opcode());
  return write_operand(x, x.operand(0), effective_offset(x, x.operand(1)));
}

bool execute_load_far_pointer(Execution& x) {
  SegmentRegister target = kDs;
  switch (x.info().mnemonic) {
    case ZYDIS_MNEMONIC_LES: target = kEs; break;
    case ZYDIS_MNEMONIC_LSS: target = kSs; break;
    case ZYDIS_MNEMONIC_LFS: target = kFs; break;
    case ZYDIS_MNEMONIC_LGS: target = kGs; break;
    default: break;
  }
  const ZydisDecodedOperand* memory = nullptr;
  for (int i = 0; i < x.info().operand_count; ++i) {
    if (x.operand(i).type == ZYDIS_OPERAND_TYPE_MEMORY) memory = &x.operand(i);
  }
  if (memory == nullptr) return x.stop(invalid_opcode());
  unsigned width = x.info().operand_width / 8;
  SegmentRegister segment = segment_of(memory->mem.segment);
  uint64_t offset = effective_offset(x, *memory);
  uint64_t value = 0;
  uint64_t selector = 0;
  if (!read_integer(x, segment, offset, width, value)) return false;
  if (!read_integer(x, segment, (offset + width) & low_mask(x.info().address_width), 2, selector))
    return false;
  if (!load_segment(x, target, static_cast<uint16_t>(selector))) return false;
  write_register(x, x.operand(0).reg.value, value);
  return true;
}

bool execute_xlat(Execution& x) {
  const ZydisDecodedOperand* memory = nullptr;
  for (int i = 0; i < x.info().operand_count; ++i) {
    if (x.operand(i).type == ZYDIS_OPERAND_TYPE_MEMORY) memory = &x.operand(i);
  }
  SegmentRegister segment = memory != nullptr ? segment_of(memory->mem.segment) : kDs;
  unsigned bits = x.info().address_width;
  uint64_t offset = (read_gpr(x, kRbx, bits) + read_gpr(x, kRax, 8)) & low_mask(bits);
  uint64_t value = 0;
  if (!read_integer(x, segment, offset, 1, value)) return false;
  write_gpr(x, kRax, 8, value);
  return true;
}

bool execute_nothing(Execution&) { return true; }

bool execute_clflush(Execution& x) {
  uint64_t linear = 0;
  GuestAddress physical = 0;
  const ZydisDecodedOperand& operand = x.operand(0);
  return to_linear(x, segment_of(operand.mem.segment), effective_offset(x, operand), 1, AccessType::kRead,
                   linear) &&
         translate(x, linear, AccessType::kRead, AccessPrivilege::kCurrent, physical);
}

bool execute_undefined(Execution& x) { return x.stop(invalid_opcode()); }

}  // namespace cumulet::hypervisor
