// Near branches, loops and software interrupts.
#include "hypervisor/interpret/delivery.h"
#include "hypervisor/interpret/instructions.h"
#include "hypervisor/interpret/memory_access.h"
#include "hypervisor/interpret/operands.h"

namespace cumulet::hypervisor {

namespace {
bool jump_relative(Execution& x, const ZydisDecodedOperand& operand) {
  uint64_t target = x.next_rip + static_cast<uint64_t>(operand.imm.value.s);
  return jump_to(x, target, x.info().operand_width);
}

// The target of a near JMP or CALL.
bool near_target(Execution& x, uint64_t& target) {
  const ZydisDecodedOperand& operand = x.operand(0);
  if (operand.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
    target = x.next_rip + static_cast<uint64_t>(operand.imm.value.s);
    return true;
  }
  return read_operand(x, operand, target);
}

bool is_far(const Execution& x) { return x.info().meta.branch_type == ZYDIS_BRANCH_TYPE_FAR; }

// The selector and offset of a far JMP or CALL.
bool far_target(Execution& x, uint16_t& selector, uint64_t& offset) {
  const ZydisDecodedOperand& operand = x.operand(0);
  if (operand.type == ZYDIS_OPERAND_TYPE_POINTER) {
    selector = operand.ptr.segment;
    offset = operand.ptr.offset;
    return true;
  }
  unsigned width = x.info().operand_width / 8;
  SegmentRegister segment = segment_of(operand.mem.segment);
  uint64_t at = effective_offset(x, operand);
  uint64_t value = 0;
  if (!read_integer(x, segment, at, width, offset)) return false;
  if (!read_integer(x, segment, (at + width) & low_mask(x.info().address_width), 2, value)) return false;
  selector = static_cast<uint16_t>(value);
  return true;
}

bool software_interrupt(Execution& x, uint8_t vector, Event::Source source) {
  if (!deliver(x, {vector, source, x.next_rip})) return false;
  x.next_rip = x.state.rip;
  return true;
}

uint8_t count_bits(const Execution& x) { return x.info().address_width; }
}  // namespace

bool condition_holds(uint64_t flags, uint8_t condition) {
  bool cf = (flags & rflags::kCf) != 0;
  bool zf = (flags & rflags::kZf) != 0;
  bool sf = (flags & rflags::kSf) != 0;
  bool of = (flags & rflags::kOf) != 0;
  bool pf = (flags & rflags::kPf) != 0;
  const bool base[] = {of, cf, zf, cf || zf, sf, pf, sf != of, zf || sf != of};
  return base[condition >> 1 & 7] != ((condition & 1) != 0);
}

bool jump_to(Execution& x, uint64_t target, unsigned bits) {
  target &= low_mask(bits);
  bool valid = x.code64() ? is_canonical(target) : target <= x.state.segments[kCs].limit;
  if (!valid) return x.stop(general_protection());
  x.next_rip = target;
  return true;
}

bool execute_jmp(Execution& x) {
  uint64_t target = 0;
  uint16_t selector = 0;
  if (is_far(x)) return far_target(x, selector, target) && far_jump(x, selector, target);
  return near_target(x, target) && jump_to(x, target, x.info().operand_width);
}

bool execute_call(Execution& x) {
  uint64_t target = 0;
  uint16_t selector = 0;
  if (is_far(x)) return far_target(x, selector, target) && far_call(x, selector, target);
  uint64_t return_address = x.next_rip;
  return near_target(x, target) && jump_to(x, target, x.info().operand_width) &&
         push(x, x.info().operand_width / 8, return_address);
}

bool execute_ret(Execution& x) {
  uint16_t extra_bytes = 0;
  if (x.info().operand_count > 0 && x.operand(0).type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
    extra_bytes = x.operand(0).imm.value.u & 0xffff;
  if (is_far(x)) return far_return(x, extra_bytes);
  uint64_t target = 0;
  if (!pop(x, x.info().operand_width / 8, target)) return false;
  set_stack_pointer(x, stack_pointer(x) + extra_bytes);
  return jump_to(x, target, x.info().operand_width);
}

bool execute_jcc(Execution& x) {
  if (!condition_holds(x.state.rflags, x.info().opcode & 15)) return true;
  return jump_relative(x, x.operand(0));
}

bool execute_jcxz(Execution& x) {
  return read_gpr(x, kRcx, count_bits(x)) != 0 || jump_relative(x, x.operand(0));
}

bool execute_loop(Execution& x) {
  uint64_t count = (read_gpr(x, kRcx, count_bits(x)) - 1) & low_mask(count_bits(x));
  write_gpr(x, kRcx, count_bits(x), count);
  bool zf = (x.state.rflags & rflags::kZf) != 0;
  bool taken = count != 0;
  if (x.info().mnemonic == ZYDIS_MNEMONIC_LOOPE) taken = taken && zf;
  if (x.info().mnemonic == ZYDIS_MNEMONIC_LOOPNE) taken = taken && !zf;
  return !taken || jump_relative(x, x.operand(0));
}

bool execute_int(Execution& x) {
  return software_interrupt(x, x.operand(0).imm.value.u & 0xff, Event::Source::kSoftwareInterrupt);
}

bool execute_int1(Execution& x) { return software_interrupt(x, kDebug, Event::Source::kTrapInstruction); }

bool execute_int3(Execution& x) {
  return software_interrupt(x, kBreakpoint, Event::Source::kSoftwareInterrupt);
}

bool execute_into(Execution& x) {
  if ((x.state.rflags & rflags::kOf) == 0) return true;
  return software_interrupt(x, kOverflow, Event::Source::kSoftwareInterrupt);
}

bool execute_bound(Execution& x) {
  unsigned width = x.info().operand_width / 8;
  unsigned unused_bits = 64 - x.info().operand_width;
  auto sign_extend = [unused_bits](uint64_t value) {
    return static_cast<int64_t>(value << unused_bits) >> unused_bits;
  };
  const ZydisDecodedOperand& bounds = x.operand(1);
  SegmentRegister segment = segment_of(bounds.mem.segment);
  uint64_t at = effective_offset(x, bounds);
  uint64_t lower = 0;
  uint64_t upper = 0;
  if (!read_integer(x, segment, at, width, lower)) return false;
  if (!read_integer(x, segment, (at + width) & low_mask(x.info().address_width), width, upper)) return false;
  int64_t index = sign_extend(read_register(x, x.operand(0).reg.value));
  if (index >= sign_extend(lower) && index <= sign_extend(upper)) return true;
  return x.stop({kBoundRange});
}

}  // namespace cumulet::hypervisor
