// IRET in every mode (SDM volume 2, IRET).
#include "hypervisor/interpret/descriptors.h"
#include "hypervisor/interpret/instructions.h"
#include "hypervisor/interpret/memory_access.h"

namespace cumulet::hypervisor {

namespace {
// What IRET takes from the stack.
struct ReturnFrame {
  uint64_t rip = 0, flags = 0, rsp = 0;
  uint16_t cs = 0, ss = 0;
  bool has_stack = false;
};

bool pop_frame(Execution& x, unsigned width, ReturnFrame& frame) {
  uint64_t cs = 0;
  uint64_t ss = 0;
  if (!pop(x, width, frame.rip) || !pop(x, width, cs) || !pop(x, width, frame.flags)) return false;
  frame.cs = static_cast<uint16_t>(cs);
  // 64-bit mode always returns the stack too; elsewhere only a return to an outer level does.
  frame.has_stack = x.code64() || (x.protected_mode() && rpl(frame.cs) > x.cpu.cpl());
  if (!frame.has_stack) return true;
  if (!pop(x, width, frame.rsp) || !pop(x, width, ss)) return false;
  frame.ss = static_cast<uint16_t>(ss);
  return true;
}

uint64_t changeable_flags(const Execution& x, unsigned width) {
  uint64_t flags =
      rflags::kArithmetic | rflags::kTf | rflags::kDf | rflags::kNt | rflags::kRf | rflags::kAc | rflags::kId;
  uint8_t cpl = x.protected_mode() ? x.cpu.cpl() : 0;
  if (cpl == 0) flags |= rflags::kIopl;
  if (cpl <= x.iopl()) flags |= rflags::kIf;
  return flags & low_mask(width * 8);
}

bool check_code(Execution& x, const ReturnFrame& frame, Descriptor& code) {
  if (is_null_selector(frame.cs)) return x.stop(general_protection());
  if (!read_descriptor(x, frame.cs, code)) return false;
  Exception fault = general_protection(selector_code(frame.cs));
  uint8_t new_cpl = rpl(frame.cs);
  bool allowed = code.is_code() && new_cpl >= x.cpu.cpl() &&
                 (code.is_conforming() ? code.dpl() <= new_cpl : code.dpl() == new_cpl);
  if (!allowed) return x.stop(fault);
  if (x.cpu.long_mode() && code.long_code() && code.default_big()) return x.stop(fault);
  if (!code.present()) return x.stop(fault_with_code(kSegmentNotPresent, selector_code(frame.cs)));
  bool long_target = x.cpu.long_mode() && code.long_code();
  bool valid = long_target ? is_canonical(frame.rip) : frame.rip <= to_segment(frame.cs, code).limit;
  if (!valid) return x.stop(general_protection());
  return mark_accessed(x, code);
}

bool check_stack(Execution& x, const ReturnFrame& frame, bool long_target, Segment& stack) {
  uint8_t new_cpl = rpl(frame.cs);
  if (is_null_selector(frame.ss)) {
    if (!long_target || new_cpl == 3 || rpl(frame.ss) != new_cpl) return x.stop(general_protection());
    stack = null_segment(frame.ss, new_cpl);
    return true;
  }
  return check_stack_segment(x, frame.ss, new_cpl, kGeneralProtection, stack);
}

bool return_in_protected_mode(Execution& x, const ReturnFrame& frame, unsigned width) {
  CpuState& state = x.state;
  uint8_t cpl = x.cpu.cpl();
  Descriptor code;
  Segment stack;
  if (!check_code(x, frame, code)) return false;
  bool long_target = x.cpu.long_mode() && code.long_code();
  if (frame.has_stack && !check_stack(x, frame, long_target, stack)) return false;
  uint64_t changeable = changeable_flags(x, width);
  state.rflags = (state.rflags & ~changeable) | (frame.flags & changeable);
  state.segments[kCs] = to_segment(frame.cs, code);
  if (frame.has_stack) {
    state.segments[kSs] = stack;
    if (long_target) {
      state.gpr[kRsp] = frame.rsp;
    } else {
      uint64_t mask = low_mask(stack.default_big() ? 32 : 16);
      state.gpr[kRsp] = (state.gpr[kRsp] & ~mask) | (frame.rsp & mask);
      if (stack.default_big()) state.gpr[kRsp] &= 0xffffffff;
    }
  }
  uint8_t new_cpl = rpl(frame.cs);
  if (new_cpl > cpl) drop_inner_segments(state, new_cpl);
  return true;
}
}  // namespace

bool execute_iret(Execution& x) {
  unsigned width = x.info().operand_width / 8;
  ReturnFrame frame;
  if (x.protected_mode() && (x.state.rflags & rflags::kNt) != 0) {
    if (x.cpu.long_mode()) return x.stop(general_protection());
    return x.stop_for(FailureExit{"the guest returns from a nested task: task switches are not supported"});
  }
  if (!pop_frame(x, width, frame)) return false;
  if (!x.protected_mode()) {
    if (frame.rip > x.state.segments[kCs].limit) return x.stop(general_protection());
    x.state.segments[kCs] = real_mode_segment(frame.cs, x.state.segments[kCs]);
    uint64_t changeable = changeable_flags(x, width);
    x.state.rflags = (x.state.rflags & ~changeable) | (frame.flags & changeable);
  } else {
    if (width == 4 && (frame.flags & rflags::kVm) != 0 && !x.cpu.long_mode() && x.cpu.cpl() == 0)
      return x.stop_for(FailureExit{"the guest enters virtual-8086 mode: not supported"});
    if (!return_in_protected_mode(x, frame, width)) return false;
  }
  x.cpu.nmi_blocked = false;
  x.next_rip = frame.rip;
  return true;
}

}  // namespace cumulet::hypervisor
