// Writes to CR0, CR3, CR4 and EFER.
#include "hypervisor/interpret/control_registers.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kNoFlush = uint64_t{1} << 63;  // CR3, with CR4.PCIDE

void flush_all(const Execution& x) {
  if (x.cpu.observer != nullptr) x.cpu.observer->tlb_flush_all();
}

bool cpuid_bit(const Cpu& cpu, uint32_t leaf, uint32_t CpuidResult::*field, int bit) {
  return cpu.cpuid == nullptr || (cpu.cpuid->query(leaf, 0).*field >> bit & 1) != 0;
}

// The bits of CR4 that this processor has (those of features that CPUID may hide, only when it shows them).
uint64_t valid_cr4(const Cpu& cpu) {
  uint64_t bits = cr4::kTsd | cr4::kDe | cr4::kPse | cr4::kPae | cr4::kMce | cr4::kPge | cr4::kPce |
                  cr4::kOsfxsr | cr4::kOsxmmexcpt;
  if (cpuid_bit(cpu, 1, &CpuidResult::ecx, 26)) bits |= cr4::kOsxsave;
  if (cpuid_bit(cpu, 1, &CpuidResult::ecx, 17)) bits |= cr4::kPcide;
  if (cpuid_bit(cpu, 7, &CpuidResult::ebx, 0)) bits |= cr4::kFsgsbase;
  if (cpuid_bit(cpu, 7, &CpuidResult::ebx, 7)) bits |= cr4::kSmep;
  if (cpuid_bit(cpu, 7, &CpuidResult::ebx, 20)) bits |= cr4::kSmap;
  if (cpuid_bit(cpu, 7, &CpuidResult::ecx, 2)) bits |= cr4::kUmip;
  return bits;
}
}  // namespace

bool write_cr0(Execution& x, uint64_t value) {
  constexpr uint64_t kDefined = cr0::kPe | cr0::kMp | cr0::kEm | cr0::kTs | cr0::kEt | cr0::kNe | cr0::kWp |
                                cr0::kAm | cr0::kNw | cr0::kCd | cr0::kPg;
  CpuState& state = x.state;
  if (value >> 32 != 0) return x.stop(general_protection());
  value = (value & kDefined) | cr0::kEt;
  bool paging = (value & cr0::kPg) != 0;
  bool was_paging = (state.cr0 & cr0::kPg) != 0;
  if (paging && (value & cr0::kPe) == 0) return x.stop(general_protection());
  if ((value & cr0::kNw) != 0 && (value & cr0::kCd) == 0) return x.stop(general_protection());
  if (paging && !was_paging && (state.msr.efer & efer::kLme) != 0) {
    if ((state.cr4 & cr4::kPae) == 0 || state.segments[kCs].long_mode()) return x.stop(general_protection());
    state.msr.efer |= efer::kLma;
  } else if (!paging && was_paging) {
    if (x.code64() || (state.cr4 & cr4::kPcide) != 0) return x.stop(general_protection());
    state.msr.efer &= ~efer::kLma;
  }
  uint64_t changed = state.cr0 ^ value;
  state.cr0 = value;
  if ((changed & (cr0::kPe | cr0::kPg | cr0::kWp)) != 0) flush_all(x);
  return true;
}

bool write_cr3(Execution& x, uint64_t value) {
  if ((x.state.cr4 & cr4::kPcide) != 0) value &= ~kNoFlush;
  if (!x.cpu.long_mode()) value &= 0xffffffff;
  if ((value & ~low_mask(x.cpu.physical_address_bits)) != 0) return x.stop(general_protection());
  x.state.cr3 = value;
  if (x.cpu.observer != nullptr) x.cpu.observer->tlb_flush_non_global();
  return true;
}

bool write_cr4(Execution& x, uint64_t value) {
  CpuState& state = x.state;
  if ((value & ~valid_cr4(x.cpu)) != 0) return x.stop(general_protection());
  if (x.cpu.long_mode() && (value & cr4::kPae) == 0) return x.stop(general_protection());
  bool enables_pcid = (value & ~state.cr4 & cr4::kPcide) != 0;
  if (enables_pcid && (!x.cpu.long_mode() || (state.cr3 & 0xfff) != 0)) return x.stop(general_protection());
  uint64_t changed = state.cr4 ^ value;
  state.cr4 = value;
  constexpr uint64_t kChangesTranslation =
      cr4::kPse | cr4::kPae | cr4::kPge | cr4::kPcide | cr4::kSmep | cr4::kSmap;
  if ((changed & kChangesTranslation) != 0) flush_all(x);
  return true;
}

bool write_efer(Execution& x, uint64_t value) {
  CpuState& state = x.state;
  constexpr int kAutomaticIbrsBit = 8;
  uint64_t valid = efer::kSce | efer::kLme | efer::kLma | efer::kNx;
  if (cpuid_bit(x.cpu, 0x80000021, &CpuidResult::eax, kAutomaticIbrsBit)) valid |= efer::kAutomaticIbrs;
  if ((value & ~valid) != 0) return x.stop(general_protection());
  bool paging = (state.cr0 & cr0::kPg) != 0;
  if (paging && ((value ^ state.msr.efer) & efer::kLme) != 0) return x.stop(general_protection());
  value = (value & ~efer::kLma) | (state.msr.efer & efer::kLma);
  uint64_t changed = value ^ state.msr.efer;
  state.msr.efer = value;
  if ((changed & efer::kNx) != 0) flush_all(x);
  return true;
}

}  // namespace cumulet::hypervisor
