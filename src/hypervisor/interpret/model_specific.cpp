// MSRs, time stamp counter, processor identification.
#include <x86intrin.h>

#include "hypervisor/interpret/control_registers.h"
#include "hypervisor/interpret/instructions.h"
#include "hypervisor/interpret/operands.h"
#include "hypervisor/x86/extended_state.h"

namespace cumulet::hypervisor {

namespace {
// Indices of the MSRs that CpuState holds (SDM volume 4).
enum MsrIndex : uint32_t {
  kTsc = 0x10,
  kSysenterCs = 0x174,
  kSysenterEsp = 0x175,
  kSysenterEip = 0x176,
  kPat = 0x277,
  kEfer = 0xc0000080,
  kStar = 0xc0000081,
  kLstar = 0xc0000082,
  kCstar = 0xc0000083,
  kFmask = 0xc0000084,
  kFsBase = 0xc0000100,
  kGsBase = 0xc0000101,
  kKernelGsBase = 0xc0000102,
  kTscAux = 0xc0000103,
};

// What may be written to an MSR.
enum class Accepts : uint8_t { kAnything, kCanonical, k32Bits };

struct HeldMsr {
  uint64_t* value;
  Accepts accepts;
};

// The plain MSRs of CpuState; null for those that need more than a store, or that the machine holds.
HeldMsr held_msr(CpuState& state, uint32_t index) {
  ModelSpecificRegisters& msr = state.msr;
  switch (index) {
    case kSysenterCs: return {&msr.sysenter_cs, Accepts::kAnything};
    case kSysenterEsp: return {&msr.sysenter_esp, Accepts::kCanonical};
    case kSysenterEip: return {&msr.sysenter_eip, Accepts::kCanonical};
    case kStar: return {&msr.star, Accepts::kAnything};
    case kLstar: return {&msr.lstar, Accepts::kCanonical};
    case kCstar: return {&msr.cstar, Accepts::kCanonical};
    case kFmask: return {&msr.fmask, Accepts::k32Bits};
    case kFsBase: return {&state.segments[kFs].base, Accepts::kCanonical};
    case kGsBase: return {&state.segments[kGs].base, Accepts::kCanonical};
    case kKernelGsBase: return {&msr.kernel_gs_base, Accepts::kCanonical};
    case kTscAux: return {&msr.tsc_aux, Accepts::k32Bits};
    default: return {nullptr, Accepts::kAnything};
  }
}

bool accepted(Accepts accepts, uint64_t value) {
  if (accepts == Accepts::kCanonical) return is_canonical(value);
  return accepts != Accepts::k32Bits || value >> 32 == 0;
}

// Each byte of PAT must be a defined memory type (SDM volume 3, 12.12.2).
bool valid_pat(uint64_t value) {
  for (int i = 0; i < 8; ++i) {
    uint8_t type = value >> (i * 8) & 0xff;
    if (type > 7 || type == 2 || type == 3) return false;
  }
  return true;
}

uint64_t guest_tsc(const CpuState& state) { return __rdtsc() + state.tsc_offset; }

bool ask_machine(Execution& x, uint32_t index, Direction direction, uint64_t& value) {
  MachineRequest question = {MachineRequest::Kind::kMsr, direction, index, 0, {}, value};
  const MachineRequest* answer = x.requests.ask(question);
  if (answer == nullptr) {
    MachineRequest& asked = x.requests.back();
    return x.stop_for(MsrExit{index, direction, &asked.value, &asked.fault});
  }
  if (answer->fault) return x.stop(general_protection());
  value = answer->value;
  return true;
}

void write_edx_eax(Execution& x, uint64_t value) {
  write_gpr(x, kRax, 32, value);
  write_gpr(x, kRdx, 32, value >> 32);
}

bool require_tsc_access(Execution& x) {
  bool allowed = (x.state.cr4 & cr4::kTsd) == 0 || !x.protected_mode() || x.cpu.cpl() == 0;
  return allowed || x.stop(general_protection());
}

}  // namespace

bool execute_rdmsr(Execution& x) {
  if (!x.require_cpl0()) return false;
  auto index = static_cast<uint32_t>(x.state.gpr[kRcx]);
  uint64_t value = 0;
  if (const uint64_t* held = held_msr(x.state, index).value) {
    value = *held;
  } else if (index == kTsc) {
    value = guest_tsc(x.state);
  } else if (index == kPat) {
    value = x.state.msr.pat;
  } else if (index == kEfer) {
    value = x.state.msr.efer;
  } else if (!ask_machine(x, index, Direction::kRead, value)) {
    return false;
  }
  write_edx_eax(x, value);
  return true;
}

bool execute_wrmsr(Execution& x) {
  if (!x.require_cpl0()) return false;
  auto index = static_cast<uint32_t>(x.state.gpr[kRcx]);
  uint64_t value = (x.state.gpr[kRdx] << 32) | (x.state.gpr[kRax] & 0xffffffff);
  HeldMsr held = held_msr(x.state, index);
  if (held.value != nullptr) {
    if (!accepted(held.accepts, value)) return x.stop(general_protection());
    *held.value = value;
    return true;
  }
  switch (index) {
    case kTsc: x.state.tsc_offset = value - __rdtsc(); return true;
    case kPat:
      if (!valid_pat(value)) return x.stop(general_protection());
      x.state.msr.pat = value;
      return true;
    case kEfer: return write_efer(x, value);
    default: return ask_machine(x, index, Direction::kWrite, value);
  }
}

// There are no performance counters.
bool execute_rdpmc(Execution& x) { return x.stop(general_protection()); }

bool execute_rdtsc(Execution& x) {
  if (!require_tsc_access(x)) return false;
  write_edx_eax(x, guest_tsc(x.state));
  return true;
}

bool execute_rdtscp(Execution& x) {
  if (!require_tsc_access(x)) return false;
  write_edx_eax(x, guest_tsc(x.state));
  write_gpr(x, kRcx, 32, x.state.msr.tsc_aux);
  return true;
}

bool execute_rdpid(Execution& x) {
  write_register(x, x.operand(0).reg.value, x.state.msr.tsc_aux);
  return true;
}

bool execute_cpuid(Execution& x) {
  constexpr uint32_t kOsxsaveBit = 1 << 27;
  auto leaf = static_cast<uint32_t>(x.state.gpr[kRax]);
  auto subleaf = static_cast<uint32_t>(x.state.gpr[kRcx]);
  CpuidResult result;
  if (x.cpu.cpuid != nullptr) result = x.cpu.cpuid->query(leaf, subleaf);
  // Two answers follow the control registers (SDM volume 2, CPUID).
  if (leaf == 1) {
    result.ecx &= ~kOsxsaveBit;
    if ((x.state.cr4 & cr4::kOsxsave) != 0) result.ecx |= kOsxsaveBit;
  }
  if (leaf == 0xd && subleaf == 0 && result.eax != 0) result.ebx = host_wide_layout().area_size(x.state.xcr0);
  write_gpr(x, kRax, 32, result.eax);
  write_gpr(x, kRbx, 32, result.ebx);
  write_gpr(x, kRcx, 32, result.ecx);
  write_gpr(x, kRdx, 32, result.edx);
  return true;
}

}  // namespace cumulet::hypervisor
