// Interrupt delivery in real mode and protected mode, and the rules of double and triple faults.
#include "hypervisor/interpret/delivery.h"

#include "hypervisor/interpret/descriptors.h"
#include "hypervisor/interpret/long_mode_delivery.h"
#include "hypervisor/interpret/memory_access.h"

namespace cumulet::hypervisor {

namespace {
enum class FaultClass : uint8_t { kBenign, kContributory, kPageFault, kDoubleFault };

FaultClass class_of(uint8_t vector) {
  switch (vector) {
    case kDivideError:
    case kInvalidTss:
    case kSegmentNotPresent:
    case kStackFault:
    case kGeneralProtection: return FaultClass::kContributory;
    case kPageFaultVector: return FaultClass::kPageFault;
    case kDoubleFault: return FaultClass::kDoubleFault;
    default: return FaultClass::kBenign;
  }
}

// SDM volume 3, table 6-5.
bool becomes_double_fault(FaultClass first, FaultClass second) {
  if (first == FaultClass::kContributory) return second == FaultClass::kContributory;
  if (first == FaultClass::kPageFault) return second != FaultClass::kBenign;
  return false;
}

// What an exception changes before it is delivered: CR2, DR6, DR7.GD (SDM volume 3, 6.15).
void record_cause(CpuState& state, const Exception& exception) {
  constexpr uint64_t kDr7GeneralDetect = 1 << 13;
  if (exception.vector == kPageFaultVector) state.cr2 = exception.address;
  if (exception.vector == kDebug) {
    state.dr6 = (state.dr6 & ~uint64_t{0xf}) | exception.address;
    state.dr7 &= ~kDr7GeneralDetect;
  }
}

bool deliver_real_mode(Execution& x, const Event& event) {
  CpuState& state = x.state;
  uint32_t at = event.vector * 4u;
  if (at + 3 > state.idtr.limit) return x.stop(general_protection(event.vector * 8u + 2));
  uint64_t target = 0;
  if (!read_linear_integer(x, state.idtr.base + at, 4, target, AccessPrivilege::kImplicitSupervisor))
    return false;
  x.checkpoint();
  if (!push(x, 2, state.rflags & 0xffff) || !push(x, 2, state.segments[kCs].selector) ||
      !push(x, 2, event.return_rip & 0xffff)) {
    x.roll_back();
    return false;
  }
  state.segments[kCs] = real_mode_segment(static_cast<uint16_t>(target >> 16), state.segments[kCs]);
  state.rip = target & 0xffff;
  state.rflags &= ~(rflags::kIf | rflags::kTf | rflags::kAc | rflags::kRf);
  return true;
}

// The stack that a handler in protected mode gets.
struct HandlerStack {
  Segment segment;
  uint64_t pointer = 0;
  bool switched = false;
};

bool read_tss_stack(Execution& x, uint8_t cpl, uint32_t external, HandlerStack& stack) {
  const Segment& tr = x.state.tr;
  bool wide = (tr.type() & 8) != 0;
  uint64_t offset = wide ? 4 + cpl * 8u : 2 + cpl * 4u;
  unsigned pointer_size = wide ? 4 : 2;
  if (offset + pointer_size + 1 > tr.limit)
    return x.stop(fault_with_code(kInvalidTss, selector_code(tr.selector) | external));
  uint64_t selector = 0;
  constexpr auto kSystem = AccessPrivilege::kImplicitSupervisor;
  if (!read_linear_integer(x, tr.base + offset, pointer_size, stack.pointer, kSystem) ||
      !read_linear_integer(x, tr.base + offset + pointer_size, 2, selector, kSystem))
    return false;
  stack.switched = true;
  if (check_stack_segment(x, static_cast<uint16_t>(selector), cpl, kInvalidTss, stack.segment)) return true;
  if (x.exception && x.exception->vector != kPageFaultVector) x.exception->error_code |= external;
  return false;
}

// Writes the frame below the handler's stack pointer, lowest address first in `items`, and gives the new
// pointer.
bool write_frame(Execution& x, HandlerStack& stack, const uint64_t* items, int count, unsigned item_size,
                 uint32_t external) {
  unsigned size = count * item_size;
  uint64_t mask = low_mask(stack.segment.default_big() ? 32 : 16);
  uint64_t to = (stack.pointer - size) & mask;
  if (!within_limit(stack.segment, to, size)) {
    uint32_t code = stack.switched ? selector_code(stack.segment.selector) : 0;
    return x.stop(stack_fault(code | external));
  }
  auto privilege = stack.switched ? AccessPrivilege::kImplicitSupervisor : AccessPrivilege::kCurrent;
  for (int i = count - 1; i >= 0; --i) {
    uint64_t linear = (stack.segment.base + to + static_cast<unsigned>(i) * item_size) & 0xffffffff;
    if (!write_linear_integer(x, linear, item_size, items[i], privilege)) return false;
  }
  stack.pointer = (stack.pointer & ~mask) | to;
  return true;
}

// Checks the gate itself; gives its type, target and selector (SDM volume 3, 6.12.1).
bool read_gate(Execution& x, const Event& event, uint32_t external, Descriptor& gate) {
  uint32_t at = event.vector * 8u;
  Exception fault = general_protection(at + 2 + external);
  if (at + 7 > x.state.idtr.limit) return x.stop(fault);
  if (!read_linear_integer(x, x.state.idtr.base + at, 8, gate.raw, AccessPrivilege::kImplicitSupervisor))
    return false;
  bool valid = !gate.code_or_data() &&
               (gate.type() == kTaskGate || gate.type() == kInterruptGate16 || gate.type() == kTrapGate16 ||
                gate.type() == kInterruptGate32 || gate.type() == kTrapGate32);
  if (!valid) return x.stop(fault);
  if (event.source == Event::Source::kSoftwareInterrupt && gate.dpl() < x.cpu.cpl()) return x.stop(fault);
  if (!gate.present()) return x.stop(fault_with_code(kSegmentNotPresent, at + 2 + external));
  if (gate.type() == kTaskGate)
    return x.stop_for(FailureExit{"the guest uses a task gate: task switches are not supported"});
  return true;
}

bool deliver_protected(Execution& x, const Event& event) {
  CpuState& state = x.state;
  uint32_t external = event.source == Event::Source::kSoftwareInterrupt ? 0 : 1;
  Descriptor gate;
  Descriptor code;
  if (!read_gate(x, event, external, gate)) return false;
  uint16_t selector = gate.raw >> 16 & 0xffff;
  if (is_null_selector(selector)) return x.stop(general_protection(external));
  if (!read_descriptor(x, selector, code)) return false;
  uint8_t cpl = x.cpu.cpl();
  Exception fault = general_protection(selector_code(selector) | external);
  if (!code.is_code() || code.dpl() > cpl) return x.stop(fault);
  if (!code.present()) return x.stop(fault_with_code(kSegmentNotPresent, selector_code(selector) | external));
  if (!mark_accessed(x, code)) return false;
  uint8_t new_cpl = code.is_conforming() ? cpl : code.dpl();

  HandlerStack stack = {state.segments[kSs], state.gpr[kRsp], false};
  if (new_cpl < cpl && !read_tss_stack(x, new_cpl, external, stack)) return false;
  bool wide = gate.type() == kInterruptGate32 || gate.type() == kTrapGate32;
  uint64_t items[6];
  int count = 0;
  if (event.has_error_code) items[count++] = event.error_code;
  for (uint64_t item : {event.return_rip, uint64_t{state.segments[kCs].selector}, state.rflags})
    items[count++] = item;
  if (stack.switched) {
    items[count++] = state.gpr[kRsp];
    items[count++] = state.segments[kSs].selector;
  }
  if (!write_frame(x, stack, items, count, wide ? 4 : 2, external)) return false;

  state.segments[kSs] = stack.segment;
  state.gpr[kRsp] = stack.pointer;
  state.segments[kCs] = to_segment(static_cast<uint16_t>(selector_code(selector) | new_cpl), code);
  state.rip = (gate.raw & 0xffff) | (wide ? gate.raw >> 32 & 0xffff0000 : 0);
  state.rflags &= ~(rflags::kTf | rflags::kNt | rflags::kRf | rflags::kVm);
  if ((gate.type() & 1) == 0) state.rflags &= ~rflags::kIf;
  return true;
}

// Faults push RF set, so that an instruction breakpoint does not hit again on return (SDM volume
// 3, 17.3.1.1).
bool pushes_resume_flag(const Exception& exception) {
  return exception.vector != kDebug && exception.vector != kDoubleFault;
}
}  // namespace

bool deliver(Execution& x, const Event& event) {
  x.exception.reset();
  x.exit.reset();
  bool done = !x.protected_mode() ? deliver_real_mode(x, event)
              : x.cpu.long_mode() ? deliver_long_mode(x, event)
                                  : deliver_protected(x, event);
  if (!done) return false;
  x.state.interrupt_shadow = false;
  x.state.activity = Activity::kRunning;
  return true;
}

std::optional<Exit> deliver_event(Execution& x, const Event& first) {
  Event event = first;
  FaultClass before =
      first.source == Event::Source::kException ? class_of(first.vector) : FaultClass::kBenign;
  // Benign exceptions may follow each other for ever (#AC on a misaligned stack): hardware hangs, and is
  // reset.
  constexpr int kMaxNested = 16;
  for (int nested = 0; nested < kMaxNested; ++nested) {
    uint64_t flags = x.state.rflags;
    if (deliver(x, event)) {
      x.requests.clear();
      return std::nullopt;
    }
    x.state.rflags = flags;
    if (!x.exception) {
      x.requests.clear();
      Exit exit = std::move(*x.exit);
      x.exit.reset();
      if (std::holds_alternative<FailureExit>(exit)) return exit;
      return FailureExit{"the guest's IDT, TSS or exception stack lies outside its memory"};
    }
    Exception second = *x.exception;
    if (before == FaultClass::kDoubleFault) {
      x.exception.reset();
      return ShutdownExit{};
    }
    record_cause(x.state, second);
    if (becomes_double_fault(before, class_of(second.vector))) second = fault_with_code(kDoubleFault, 0);
    before = class_of(second.vector);
    bool real_mode = !x.protected_mode();
    event = {second.vector, Event::Source::kException, x.state.rip, second.has_error_code && !real_mode,
             second.error_code};
  }
  x.exception.reset();
  return ShutdownExit{};
}

std::optional<Exit> deliver_exception(Execution& x, const Exception& exception) {
  record_cause(x.state, exception);
  if (pushes_resume_flag(exception)) x.state.rflags |= rflags::kRf;
  Event event = {exception.vector, Event::Source::kException, x.state.rip,
                 exception.has_error_code && x.protected_mode(), exception.error_code};
  std::optional<Exit> exit = deliver_event(x, event);
  if (exit) x.state.rflags &= ~rflags::kRf;
  return exit;
}

}  // namespace cumulet::hypervisor
