// Pushes and pops: registers, flags, frames.
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

// Operand size of stack instructions, in bytes.
unsigned width(const Execution& x) { return x.info().operand_width / 8; }
}  // namespace

bool execute_push(Execution& x) {
  const ZydisDecodedOperand& operand = x.operand(0);
  uint64_t value = 0;
  if (is_segment_register(operand)) {
    value = x.state.segments[segment_of(operand.reg.value)].selector;
  } else if (!read_operand(x, operand, value)) {
    return false;
  }
  return push(x, width(x), value);
}

bool execute_pop(Execution& x) {
  const ZydisDecodedOperand& operand = x.operand(0);
  uint64_t value = 0;
  if (!pop(x, width(x), value)) return false;
  if (!is_segment_register(operand)) return write_operand(x, operand, value);
  SegmentRegister target = segment_of(operand.reg.value);
  if (!load_segment(x, target, static_cast<uint16_t>(value))) return false;
  if (target == kSs) x.state.interrupt_shadow = true;
  return true;
}

bool execute_pusha(Execution& x) {
  uint64_t rsp = x.state.gpr[kRsp];
  for (uint8_t index = kRax; index <= kRdi; ++index) {
    uint64_t value = index == kRsp ? rsp : x.state.gpr[index];
    if (!push(x, width(x), value)) return false;
  }
  return true;
}

bool execute_popa(Execution& x) {
  for (int index = kRdi; index >= kRax; --index) {
    uint64_t value = 0;
    if (!pop(x, width(x), value)) return false;
    if (index != kRsp) write_gpr(x, static_cast<uint8_t>(index), x.info().operand_width, value);
  }
  return true;
}

bool execute_pushf(Execution& x) { return push(x, width(x), x.state.rflags & ~(rflags::kVm | rflags::kRf)); }

bool execute_popf(Execution& x) {
  uint64_t value = 0;
  if (!pop(x, width(x), value)) return false;
  uint64_t changeable =
      rflags::kArithmetic | rflags::kTf | rflags::kDf | rflags::kNt | rflags::kAc | rflags::kId;
  if (x.cpu.cpl() == 0) changeable |= rflags::kIopl;
  if (x.cpu.cpl() <= x.iopl()) changeable |= rflags::kIf;
  changeable &= low_mask(x.info().operand_width);
  x.state.rflags = (x.state.rflags & ~changeable & ~rflags::kRf) | (value & changeable);
  return true;
}

bool execute_enter(Execution& x) {
  unsigned size = width(x);
  uint64_t allocated = x.operand(0).imm.value.u & 0xffff;
  unsigned level = x.operand(1).imm.value.u & 31;
  unsigned stack_bits = x.stack_bits();
  if (!push(x, size, x.state.gpr[kRbp])) return false;
  uint64_t frame = x.state.gpr[kRsp];
  uint64_t outer = x.state.gpr[kRbp];
  for (unsigned i = 1; i < level; ++i) {
    uint64_t value = 0;
    outer = (outer - size) & low_mask(stack_bits);
    if (!read_integer(x, kSs, outer, size, value) || !push(x, size, value)) return false;
  }
  if (level > 0 && !push(x, size, frame)) return false;
  uint64_t top = stack_pointer(x) - allocated;
  // The new stack top must be writable, so that a fault leaves the frame as it was (SDM volume 2, ENTER).
  uint64_t linear = 0;
  if (!to_linear(x, kSs, top & low_mask(stack_bits), 1, AccessType::kWrite, linear) ||
      !check_write(x, linear, 1))
    return false;
  set_stack_pointer(x, top);
  write_gpr(x, kRbp, x.info().operand_width, frame);
  return true;
}

bool execute_leave(Execution& x) {
  uint64_t value = 0;
  set_stack_pointer(x, x.state.gpr[kRbp]);
  if (!pop(x, width(x), value)) return false;
  write_gpr(x, kRbp, x.info().operand_width, value);
  return true;
}

}  // namespace cumulet::hypervisor
