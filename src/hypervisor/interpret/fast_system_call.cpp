// SYSCALL, SYSRET, SYSENTER, SYSEXIT and hypercalls.
#include "hypervisor/interpret/descriptors.h"
#include "hypervisor/interpret/instructions.h"

namespace cumulet::hypervisor {

namespace {
// Flat segments with fixed attributes, as these instructions load them (SDM volume 2, SYSCALL and SYSRET).
Segment flat_code(uint16_t selector, uint8_t dpl, bool long_code) {
  uint32_t size = long_code ? Segment::kLong : Segment::kDefaultBig;
  uint32_t attributes = 0x9b | static_cast<uint32_t>(dpl) << 5 | size | Segment::kGranularity;
  return {selector, attributes, 0xffffffff, 0};
}

Segment flat_data(uint16_t selector, uint8_t dpl) {
  uint32_t attributes = 0x93 | static_cast<uint32_t>(dpl) << 5 | Segment::kDefaultBig | Segment::kGranularity;
  return {selector, attributes, 0xffffffff, 0};
}

// AMD processors have SYSCALL in compatibility mode and no SYSENTER in long mode; Intel's the reverse.
bool is_amd(const Cpu& cpu) {
  constexpr uint32_t kAuth = 0x68747541;  // "Auth" of "AuthenticAMD"
  return cpu.cpuid != nullptr && cpu.cpuid->query(0, 0).ebx == kAuth;
}
}  // namespace

bool execute_syscall(Execution& x) {
  CpuState& state = x.state;
  if ((state.msr.efer & efer::kSce) == 0 || !x.cpu.long_mode()) return x.stop(invalid_opcode());
  if (!x.code64() && !is_amd(x.cpu)) return x.stop(invalid_opcode());
  state.gpr[kRcx] = x.next_rip;
  state.gpr[kR11] = state.rflags & ~rflags::kRf;
  x.next_rip = x.code64() ? state.msr.lstar : state.msr.cstar;
  state.rflags = (state.rflags & ~(state.msr.fmask | rflags::kRf)) | rflags::kFixed;
  uint16_t selector = state.msr.star >> 32 & 0xfffc;
  state.segments[kCs] = flat_code(selector, 0, true);
  state.segments[kSs] = flat_data(static_cast<uint16_t>(selector + 8), 0);
  return true;
}

bool execute_sysret(Execution& x) {
  CpuState& state = x.state;
  if ((state.msr.efer & efer::kSce) == 0 || !x.code64()) return x.stop(invalid_opcode());
  if (!x.require_cpl0()) return false;
  bool to_64bit = x.info().operand_width == 64;
  if (to_64bit && !is_canonical(state.gpr[kRcx])) return x.stop(general_protection());
  uint16_t base = state.msr.star >> 48 & 0xffff;
  uint64_t flags = state.gpr[kR11];
  if (to_64bit) {
    state.rflags = (flags & 0x3c7fd7) | rflags::kFixed;
    x.next_rip = state.gpr[kRcx];
    state.segments[kCs] = flat_code(static_cast<uint16_t>((base + 16) | 3), 3, true);
  } else {
    state.rflags = (flags & 0x3c7fd7) | rflags::kFixed;
    x.next_rip = state.gpr[kRcx] & 0xffffffff;
    state.segments[kCs] = flat_code(base | 3, 3, false);
  }
  state.segments[kSs] = flat_data(static_cast<uint16_t>((base + 8) | 3), 3);
  return true;
}

bool execute_sysenter(Execution& x) {
  CpuState& state = x.state;
  if (x.cpu.long_mode() && is_amd(x.cpu)) return x.stop(invalid_opcode());
  uint16_t selector = state.msr.sysenter_cs & 0xfffc;
  if (!x.protected_mode() || selector == 0) return x.stop(general_protection());
  bool long_mode = x.cpu.long_mode();
  state.rflags &= ~(rflags::kVm | rflags::kIf | rflags::kRf);
  state.gpr[kRsp] = long_mode ? state.msr.sysenter_esp : state.msr.sysenter_esp & 0xffffffff;
  x.next_rip = long_mode ? state.msr.sysenter_eip : state.msr.sysenter_eip & 0xffffffff;
  state.segments[kCs] = flat_code(selector, 0, long_mode);
  state.segments[kSs] = flat_data(static_cast<uint16_t>(selector + 8), 0);
  return true;
}

bool execute_sysexit(Execution& x) {
  CpuState& state = x.state;
  if (x.cpu.long_mode() && is_amd(x.cpu)) return x.stop(invalid_opcode());
  uint16_t selector = state.msr.sysenter_cs & 0xfffc;
  if (!x.protected_mode() || selector == 0) return x.stop(general_protection());
  if (!x.require_cpl0()) return false;
  bool to_64bit = x.info().operand_width == 64;
  uint64_t rip = state.gpr[kRdx];
  uint64_t rsp = state.gpr[kRcx];
  if (to_64bit && (!is_canonical(rip) || !is_canonical(rsp))) return x.stop(general_protection());
  uint16_t offset = to_64bit ? 32 : 16;
  state.segments[kCs] = flat_code(static_cast<uint16_t>((selector + offset) | 3), 3, to_64bit);
  state.segments[kSs] = flat_data(static_cast<uint16_t>((selector + offset + 8) | 3), 3);
  x.next_rip = to_64bit ? rip : rip & 0xffffffff;
  state.gpr[kRsp] = to_64bit ? rsp : rsp & 0xffffffff;
  return true;
}

bool execute_hypercall(Execution& x) { return x.finish_with(HypercallExit{}); }

}  // namespace cumulet::hypervisor
