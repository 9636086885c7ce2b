// Far jumps, calls and returns: code segment checks and call gates (SDM volume 3, 5.8).
#include "hypervisor/interpret/descriptors.h"
#include "hypervisor/interpret/instructions.h"
#include "hypervisor/interpret/long_mode_delivery.h"
#include "hypervisor/interpret/memory_access.h"

namespace cumulet::hypervisor {

namespace {
// Where a far transfer goes.
struct FarTarget {
  Descriptor code;
  uint16_t selector = 0;
  uint64_t offset = 0;
  uint8_t cpl = 0;     // after the transfer
  unsigned width = 0;  // bytes of each item that a call pushes
};

bool check_code_segment(Execution& x, const FarTarget& target) {
  Exception fault = general_protection(selector_code(target.selector));
  const Descriptor& code = target.code;
  if (!code.is_code()) return x.stop(fault);
  if (x.cpu.long_mode() && code.long_code() && code.default_big()) return x.stop(fault);
  if (!code.present()) return x.stop(fault_with_code(kSegmentNotPresent, selector_code(target.selector)));
  return true;
}

bool check_target_offset(Execution& x, const FarTarget& target) {
  bool long_code = x.cpu.long_mode() && target.code.long_code();
  bool valid = long_code ? is_canonical(target.offset)
                         : target.offset <= to_segment(target.selector, target.code).limit;
  return valid || x.stop(general_protection());
}

bool through_call_gate(Execution& x, const Descriptor& gate, uint16_t gate_selector, bool call,
                       FarTarget& target) {
  Exception fault = general_protection(selector_code(gate_selector));
  uint8_t cpl = x.cpu.cpl();
  if (gate.dpl() < cpl || gate.dpl() < rpl(gate_selector)) return x.stop(fault);
  if (!gate.present()) return x.stop(fault_with_code(kSegmentNotPresent, selector_code(gate_selector)));
  bool long_mode = x.cpu.long_mode();
  uint64_t high = 0;
  if (long_mode && !read_descriptor_base_high(x, gate, high)) return false;
  target.selector = gate.raw >> 16 & 0xffff;
  target.offset = gate.raw & 0xffff;
  if (gate.type() == kCallGate32) target.offset |= gate.raw >> 32 & 0xffff0000;
  target.offset |= high;
  target.width = long_mode ? 8 : gate.type() == kCallGate32 ? 4 : 2;
  if (is_null_selector(target.selector)) return x.stop(general_protection());
  if (!read_descriptor(x, target.selector, target.code)) return false;
  const Descriptor& code = target.code;
  Exception code_fault = general_protection(selector_code(target.selector));
  if (!code.is_code() || code.dpl() > cpl || (long_mode && (!code.long_code() || code.default_big())))
    return x.stop(code_fault);
  bool inner = !code.is_conforming() && code.dpl() < cpl;
  if (inner && !call) return x.stop(code_fault);
  if (inner && !long_mode)
    return x.stop_for(
        FailureExit{"the guest calls an inner privilege level through a 32-bit call gate: not supported"});
  target.cpl = inner ? code.dpl() : cpl;
  return check_code_segment(x, target);
}

// Finds the code segment of a far JMP or CALL in protected mode.
bool resolve(Execution& x, uint16_t selector, uint64_t offset, bool call, FarTarget& target) {
  if (is_null_selector(selector)) return x.stop(general_protection());
  Descriptor descriptor;
  if (!read_descriptor(x, selector, descriptor)) return false;
  uint8_t cpl = x.cpu.cpl();
  Exception fault = general_protection(selector_code(selector));
  if (descriptor.code_or_data()) {
    target = {descriptor, selector, offset, cpl, x.info().operand_width / 8u};
    bool allowed = descriptor.is_conforming() ? descriptor.dpl() <= cpl
                                              : rpl(selector) <= cpl && descriptor.dpl() == cpl;
    if (!descriptor.is_code() || !allowed) return x.stop(fault);
    if (!check_code_segment(x, target)) return false;
  } else if (descriptor.type() == kCallGate32 || (descriptor.type() == kCallGate16 && !x.cpu.long_mode())) {
    if (!through_call_gate(x, descriptor, selector, call, target)) return false;
  } else {
    bool task = descriptor.type() == kTaskGate || descriptor.type() == kTss32Available ||
                descriptor.type() == kTss16Available;
    if (task && !x.cpu.long_mode())
      return x.stop_for(
          FailureExit{"the guest switches tasks through a TSS: task switches are not supported"});
    return x.stop(fault);
  }
  return check_target_offset(x, target) && mark_accessed(x, target.code);
}

void enter_code_segment(Execution& x, const FarTarget& target) {
  x.state.segments[kCs] =
      to_segment(static_cast<uint16_t>(selector_code(target.selector) | target.cpl), target.code);
  x.next_rip = target.offset;
}

// Pushes return address and old stack on the inner stack that the 64-bit TSS names.
bool push_on_inner_stack(Execution& x, const FarTarget& target) {
  uint64_t rsp = 0;
  if (!read_tss_rsp(x, target.cpl, 0, rsp)) return false;
  uint8_t frame[4 * 8];
  store_le<uint64_t>(frame, 0, x.next_rip);
  store_le<uint64_t>(frame, 8, x.state.segments[kCs].selector);
  store_le<uint64_t>(frame, 16, x.state.gpr[kRsp]);
  store_le<uint64_t>(frame, 24, x.state.segments[kSs].selector);
  rsp -= sizeof(frame);
  if (!is_canonical(rsp)) return x.stop(stack_fault());
  if (!write_linear(x, rsp, frame, AccessPrivilege::kImplicitSupervisor)) return false;
  x.state.segments[kSs] = null_segment(target.cpl, target.cpl);
  x.state.gpr[kRsp] = rsp;
  return true;
}

bool far_real_mode(Execution& x, uint16_t selector, uint64_t offset) {
  Segment& cs = x.state.segments[kCs];
  if (offset > cs.limit) return x.stop(general_protection());
  cs = real_mode_segment(selector, cs);
  x.next_rip = offset;
  return true;
}
}  // namespace

bool far_jump(Execution& x, uint16_t selector, uint64_t offset) {
  if (!x.protected_mode()) return far_real_mode(x, selector, offset);
  FarTarget target;
  if (!resolve(x, selector, offset, false, target)) return false;
  enter_code_segment(x, target);
  return true;
}

bool far_call(Execution& x, uint16_t selector, uint64_t offset) {
  unsigned width = x.info().operand_width / 8;
  if (!x.protected_mode()) {
    uint64_t return_rip = x.next_rip;
    return push(x, width, x.state.segments[kCs].selector) && push(x, width, return_rip) &&
           far_real_mode(x, selector, offset);
  }
  FarTarget target;
  if (!resolve(x, selector, offset, true, target)) return false;
  if (target.cpl < x.cpu.cpl()) {
    if (!push_on_inner_stack(x, target)) return false;
  } else if (!push(x, target.width, x.state.segments[kCs].selector) || !push(x, target.width, x.next_rip)) {
    return false;
  }
  enter_code_segment(x, target);
  return true;
}

bool far_return(Execution& x, uint16_t extra_bytes) {
  unsigned width = x.info().operand_width / 8;
  uint64_t offset = 0;
  uint64_t value = 0;
  if (!pop(x, width, offset) || !pop(x, width, value)) return false;
  uint16_t selector = static_cast<uint16_t>(value);
  set_stack_pointer(x, stack_pointer(x) + extra_bytes);
  if (!x.protected_mode()) return far_real_mode(x, selector, offset);

  uint8_t cpl = x.cpu.cpl();
  uint8_t new_cpl = rpl(selector);
  FarTarget target = {{}, selector, offset, new_cpl, width};
  if (is_null_selector(selector)) return x.stop(general_protection());
  if (!read_descriptor(x, selector, target.code)) return false;
  bool allowed = new_cpl >= cpl &&
                 (target.code.is_conforming() ? target.code.dpl() <= new_cpl : target.code.dpl() == new_cpl);
  if (!allowed) return x.stop(general_protection(selector_code(selector)));
  if (!check_code_segment(x, target) || !check_target_offset(x, target)) return false;
  if (new_cpl == cpl) {
    if (!mark_accessed(x, target.code)) return false;
    enter_code_segment(x, target);
    return true;
  }
  uint64_t rsp = 0;
  Segment stack;
  if (!pop(x, width, rsp) || !pop(x, width, value)) return false;
  uint16_t stack_selector = static_cast<uint16_t>(value);
  bool long_target = x.cpu.long_mode() && target.code.long_code();
  if (is_null_selector(stack_selector) && long_target && new_cpl < 3 && rpl(stack_selector) == new_cpl) {
    stack = null_segment(stack_selector, new_cpl);
  } else if (!check_stack_segment(x, stack_selector, new_cpl, kGeneralProtection, stack)) {
    return false;
  }
  if (!mark_accessed(x, target.code)) return false;
  enter_code_segment(x, target);
  x.state.segments[kSs] = stack;
  uint64_t stack_mask = low_mask(long_target ? 64 : stack.default_big() ? 32 : 16);
  x.state.gpr[kRsp] = (rsp + extra_bytes) & stack_mask;
  drop_inner_segments(x.state, new_cpl);
  return true;
}

}  // namespace cumulet::hypervisor
