// Instructions on control, debug and extended control registers, and on segment bases.
#include <utility>

#include "hypervisor/interpret/breakpoints.h"
#include "hypervisor/interpret/control_registers.h"
#include "hypervisor/interpret/instructions.h"
#include "hypervisor/interpret/operands.h"
#include "hypervisor/x86/extended_state.h"

namespace cumulet::hypervisor {

namespace {
bool read_control(Execution& x, int number, uint64_t& value) {
  switch (number) {
    case 0: value = x.state.cr0; return true;
    case 2: value = x.state.cr2; return true;
    case 3: value = x.state.cr3; return true;
    case 4: value = x.state.cr4; return true;
    case 8: value = x.state.cr8; return true;
    default: return x.stop(invalid_opcode());
  }
}

bool write_cr8(Execution& x, uint64_t value) {
  if (value > 15) return x.stop(general_protection());
  bool lowered = value < x.state.cr8;
  x.state.cr8 = value;
  return !lowered || x.finish_with(TaskPriorityExit{});
}

bool write_control(Execution& x, int number, uint64_t value) {
  switch (number) {
    case 0: return write_cr0(x, value);
    case 2: x.state.cr2 = value; return true;
    case 3: return write_cr3(x, value);
    case 4: return write_cr4(x, value);
    case 8: return write_cr8(x, value);
    default: return x.stop(invalid_opcode());
  }
}

void write_debug(CpuState& state, int number, uint64_t value) {
  constexpr uint64_t kDr6Fixed = 0xffff0ff0, kDr6Changeable = 0xe00f;
  constexpr uint64_t kDr7Fixed = 0x400, kDr7Changeable = 0xffff23ff;
  if (number < 4) {
    state.dr[number] = value;
  } else if (number == 6) {
    state.dr6 = kDr6Fixed | (value & kDr6Changeable);
  } else {
    state.dr7 = kDr7Fixed | (value & kDr7Changeable);
  }
}

uint64_t read_debug(const CpuState& state, int number) {
  if (number < 4) return state.dr[number];
  return number == 6 ? state.dr6 : state.dr7;
}

// UMIP hides the system's tables from user code (SDM volume 3, 2.5).
bool check_umip(Execution& x) {
  bool hidden = x.protected_mode() && (x.state.cr4 & cr4::kUmip) != 0 && x.cpu.cpl() > 0;
  return !hidden || x.stop(general_protection());
}
}  // namespace

bool execute_mov_control(Execution& x) {
  if (!x.require_cpl0()) return false;
  unsigned width = x.code64() ? 64 : 32;
  const ZydisDecodedOperand& to = x.operand(0);
  const ZydisDecodedOperand& from = x.operand(1);
  if (to.reg.value >= ZYDIS_REGISTER_CR0 && to.reg.value <= ZYDIS_REGISTER_CR15)
    return write_control(x, to.reg.value - ZYDIS_REGISTER_CR0,
                         read_register(x, from.reg.value) & low_mask(width));
  uint64_t value = 0;
  if (!read_control(x, from.reg.value - ZYDIS_REGISTER_CR0, value)) return false;
  write_register(x, to.reg.value, value);
  return true;
}

bool execute_mov_debug(Execution& x) {
  constexpr uint64_t kDr7GeneralDetect = 1 << 13;
  const ZydisDecodedOperand& to = x.operand(0);
  const ZydisDecodedOperand& from = x.operand(1);
  bool write = to.reg.value >= ZYDIS_REGISTER_DR0 && to.reg.value <= ZYDIS_REGISTER_DR15;
  int number = (write ? to.reg.value : from.reg.value) - ZYDIS_REGISTER_DR0;
  if (number > 7) return x.stop(invalid_opcode());
  if (number == 4 || number == 5) {
    if ((x.state.cr4 & cr4::kDe) != 0) return x.stop(invalid_opcode());
    number += 2;
  }
  if (!x.require_cpl0()) return false;
  if ((x.state.dr7 & kDr7GeneralDetect) != 0) return x.stop({kDebug, false, 0, kDr6GeneralDetect});
  if (!write) {
    write_register(x, to.reg.value, read_debug(x.state, number));
    return true;
  }
  uint64_t value = read_register(x, from.reg.value);
  if (number >= 6 && value >> 32 != 0) return x.stop(general_protection());
  write_debug(x.state, number, value);
  return true;
}

bool execute_clts(Execution& x) {
  if (!x.require_cpl0()) return false;
  x.state.cr0 &= ~cr0::kTs;
  return true;
}

bool execute_lmsw(Execution& x) {
  uint64_t value = 0;
  if (!x.require_cpl0() || !read_operand(x, x.operand(0), value)) return false;
  constexpr uint64_t kChangeable = cr0::kMp | cr0::kEm | cr0::kTs;
  uint64_t updated = (x.state.cr0 & ~kChangeable) | (value & (kChangeable | cr0::kPe));
  return write_cr0(x, updated);
}

bool execute_smsw(Execution& x) {
  const ZydisDecodedOperand& to = x.operand(0);
  if (!check_umip(x)) return false;
  return write_operand(x, to, x.state.cr0 & low_mask(to.size));
}

bool execute_xgetbv(Execution& x) {
  if ((x.state.cr4 & cr4::kOsxsave) == 0) return x.stop(invalid_opcode());
  if ((x.state.gpr[kRcx] & 0xffffffff) != 0) return x.stop(general_protection());
  write_gpr(x, kRax, 32, x.state.xcr0);
  write_gpr(x, kRdx, 32, x.state.xcr0 >> 32);
  return true;
}

bool execute_xsetbv(Execution& x) {
  constexpr uint64_t kX87 = 1, kSse = 2, kAvx = 4;
  if ((x.state.cr4 & cr4::kOsxsave) == 0) return x.stop(invalid_opcode());
  if (!x.require_cpl0()) return false;
  uint64_t value = (x.state.gpr[kRdx] << 32) | (x.state.gpr[kRax] & 0xffffffff);
  uint64_t supported = kX87 | kSse | kAvx | (host_wide_layout().end != 0 ? kWideState : 0);
  if (x.cpu.cpuid != nullptr) supported &= x.cpu.cpuid->query(0xd, 0).eax;
  bool valid = (x.state.gpr[kRcx] & 0xffffffff) == 0 && (value & ~supported) == 0 && (value & kX87) != 0 &&
               ((value & kAvx) == 0 || (value & kSse) != 0) &&
               ((value & kWideState) == 0 || (value & (kWideState | kAvx)) == (kWideState | kAvx));
  if (!valid) return x.stop(general_protection());
  x.state.xcr0 = value;
  return true;
}

bool execute_fsgsbase(Execution& x) {
  if (!x.code64() || (x.state.cr4 & cr4::kFsgsbase) == 0) return x.stop(invalid_opcode());
  ZydisMnemonic mnemonic = x.info().mnemonic;
  bool fs = mnemonic == ZYDIS_MNEMONIC_RDFSBASE || mnemonic == ZYDIS_MNEMONIC_WRFSBASE;
  bool reads = mnemonic == ZYDIS_MNEMONIC_RDFSBASE || mnemonic == ZYDIS_MNEMONIC_RDGSBASE;
  uint64_t& base = x.state.segments[fs ? kFs : kGs].base;
  ZydisRegister name = x.operand(0).reg.value;
  if (reads) {
    write_register(x, name, base);
    return true;
  }
  uint64_t value = read_register(x, name);
  if (!is_canonical(value)) return x.stop(general_protection());
  base = value;
  return true;
}

bool execute_swapgs(Execution& x) {
  if (!x.code64()) return x.stop(invalid_opcode());
  if (!x.require_cpl0()) return false;
  std::swap(x.state.segments[kGs].base, x.state.msr.kernel_gs_base);
  return true;
}

}  // namespace cumulet::hypervisor
