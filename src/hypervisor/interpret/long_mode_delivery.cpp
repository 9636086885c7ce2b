// 64-bit interrupt gates, stack switches and the interrupt stack table.
#include "hypervisor/interpret/long_mode_delivery.h"

#include "hypervisor/interpret/descriptors.h"
#include "hypervisor/interpret/memory_access.h"

namespace cumulet::hypervisor {

namespace {
constexpr auto kSystem = AccessPrivilege::kImplicitSupervisor;

struct Gate {
  uint64_t target = 0;
  uint16_t selector = 0;
  uint8_t ist = 0;
  bool clears_if = false;
};

bool read_tss_pointer(Execution& x, uint64_t offset, uint32_t external, uint64_t& rsp) {
  const Segment& tr = x.state.tr;
  if (offset + 7 > tr.limit)
    return x.stop(fault_with_code(kInvalidTss, selector_code(tr.selector) | external));
  if (!read_linear_integer(x, tr.base + offset, 8, rsp, kSystem)) return false;
  return is_canonical(rsp) || x.stop(stack_fault(external));
}

bool read_gate(Execution& x, const Event& event, uint32_t external, Gate& gate) {
  uint32_t at = event.vector * 16u;
  uint32_t code = event.vector * 8u + 2 + external;
  if (at + 15 > x.state.idtr.limit) return x.stop(general_protection(code));
  Descriptor low;
  uint64_t high = 0;
  if (!read_linear_integer(x, x.state.idtr.base + at, 8, low.raw, kSystem) ||
      !read_linear_integer(x, x.state.idtr.base + at + 8, 8, high, kSystem))
    return false;
  if (low.code_or_data() || (low.type() != kInterruptGate32 && low.type() != kTrapGate32))
    return x.stop(general_protection(code));
  if (event.source == Event::Source::kSoftwareInterrupt && low.dpl() < x.cpu.cpl())
    return x.stop(general_protection(code));
  if (!low.present()) return x.stop(fault_with_code(kSegmentNotPresent, code));
  gate.target = (low.raw & 0xffff) | (low.raw >> 32 & 0xffff0000) | high << 32;
  gate.selector = low.raw >> 16 & 0xffff;
  gate.ist = low.raw >> 32 & 7;
  gate.clears_if = low.type() == kInterruptGate32;
  return true;
}

bool read_code_segment(Execution& x, uint16_t selector, uint32_t external, Descriptor& code) {
  if (is_null_selector(selector)) return x.stop(general_protection(external));
  if (!read_descriptor(x, selector, code)) {
    if (x.exception && x.exception->vector == kGeneralProtection) x.exception->error_code |= external;
    return false;
  }
  Exception fault = general_protection(selector_code(selector) | external);
  if (!code.is_code() || code.dpl() > x.cpu.cpl()) return x.stop(fault);
  if (!code.long_code() || code.default_big()) return x.stop(fault);
  if (!code.present()) return x.stop(fault_with_code(kSegmentNotPresent, selector_code(selector) | external));
  return mark_accessed(x, code);
}
}  // namespace

bool read_tss_rsp(Execution& x, uint8_t level, uint32_t external, uint64_t& rsp) {
  return read_tss_pointer(x, 4 + level * 8u, external, rsp);
}

bool read_tss_ist(Execution& x, uint8_t ist, uint32_t external, uint64_t& rsp) {
  return read_tss_pointer(x, 36 + (ist - 1) * 8u, external, rsp);
}

bool deliver_long_mode(Execution& x, const Event& event) {
  CpuState& state = x.state;
  uint32_t external = event.source == Event::Source::kSoftwareInterrupt ? 0 : 1;
  uint8_t cpl = x.cpu.cpl();
  Gate gate;
  Descriptor code;
  if (!read_gate(x, event, external, gate) || !read_code_segment(x, gate.selector, external, code))
    return false;
  uint8_t new_cpl = code.is_conforming() ? cpl : code.dpl();
  if (!is_canonical(gate.target)) return x.stop(general_protection(external));

  uint64_t rsp = state.gpr[kRsp];
  if (gate.ist != 0) {
    if (!read_tss_ist(x, gate.ist, external, rsp)) return false;
  } else if (new_cpl < cpl) {
    if (!read_tss_rsp(x, new_cpl, external, rsp)) return false;
  }
  rsp &= ~uint64_t{15};

  uint8_t frame[6 * 8];
  size_t size = 0;
  auto item = [&frame, &size](uint64_t value) {
    store_le<uint64_t>(frame, size, value);
    size += 8;
  };
  if (event.has_error_code) item(event.error_code);
  item(event.return_rip);
  item(state.segments[kCs].selector);
  item(state.rflags);
  item(state.gpr[kRsp]);
  item(state.segments[kSs].selector);
  if (!is_canonical(rsp - size) || !is_canonical(rsp - 1)) return x.stop(stack_fault(external));
  auto privilege = new_cpl == cpl ? AccessPrivilege::kCurrent : kSystem;
  if (!write_linear(x, rsp - size, ByteView(frame).first(size), privilege)) return false;

  if (new_cpl != cpl) state.segments[kSs] = null_segment(new_cpl, new_cpl);
  state.gpr[kRsp] = rsp - size;
  state.segments[kCs] = to_segment(static_cast<uint16_t>(selector_code(gate.selector) | new_cpl), code);
  state.rip = gate.target;
  state.rflags &= ~(rflags::kTf | rflags::kNt | rflags::kRf | rflags::kVm);
  if (gate.clears_if) state.rflags &= ~rflags::kIf;
  return true;
}

}  // namespace cumulet::hypervisor
