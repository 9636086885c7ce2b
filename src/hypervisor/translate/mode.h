// CodeMode: the processor modes that translated code is specialized for.
#pragma once

#include <cstdint>

#include "hypervisor/interpret/cpu.h"
#include "hypervisor/x86/extended_state.h"

namespace cumulet::hypervisor {

// Bit 0: CPL 3. Bit 1: CPL 0 with EFLAGS.AC, which opens user pages under SMAP. Bits 3:2, with bit 0 only:
// FpuLevel. Bit 4, with bit 0 only: memory is reached through the DirectWindow. Bit 5, with bit 0 only: the
// code is the same at all linear addresses (PageBases). Jump caches do not know the last two.
using CodeMode = uint8_t;
inline constexpr CodeMode kModeUser = 1, kModeAccessUser = 2, kModeDirect = 16, kModeRelative = 32;
inline constexpr uint32_t kModeFpuShift = 2;
inline constexpr uint32_t kModeCount = 16;  // of jump caches

// The extended state that instructions may use without #NM or #UD (SDM volume 1, 13.1; volume 3, 2.5).
enum class FpuLevel : uint8_t { kNone, kSse, kAvx, kWide };

inline FpuLevel fpu_level(const CpuState& state) {
  if ((state.cr0 & (cr0::kEm | cr0::kTs)) != 0 || (state.cr4 & cr4::kOsfxsr) == 0) return FpuLevel::kNone;
  if ((state.cr4 & cr4::kOsxsave) == 0 || (state.xcr0 & kGuestExtendedState) != kGuestExtendedState)
    return FpuLevel::kSse;
  return (state.xcr0 & kWideState) != 0 ? FpuLevel::kWide : FpuLevel::kAvx;
}

inline FpuLevel fpu_level(CodeMode mode) { return static_cast<FpuLevel>((mode >> kModeFpuShift) & 3); }

// The mode of the next instruction. Precondition: translatable(cpu). Kernel code is the same at all levels,
// as kernels start without extended state and hardly use it: such code looks at Context::fpu_level.
inline CodeMode code_mode(const Cpu& cpu) {
  if (cpu.cpl() == 3)
    return static_cast<CodeMode>(kModeUser | static_cast<uint8_t>(fpu_level(cpu.state)) << kModeFpuShift);
  return (cpu.state.rflags & rflags::kAc) != 0 ? kModeAccessUser : CodeMode{0};
}

// One TLB for each set of page permissions.
inline constexpr uint32_t kTlbCount = 3;
inline constexpr uint32_t tlb_of(CodeMode mode) { return mode & 3; }

// Whether the next instruction may come from translated code: 64-bit code at CPL 0 or 3, with nothing on that
// acts between two instructions (single-step, breakpoints, alignment checks, an interrupt shadow).
inline bool translatable(const Cpu& cpu) {
  const CpuState& state = cpu.state;
  if (!cpu.in_64bit_code() || state.interrupt_shadow || (state.rflags & rflags::kTf) != 0) return false;
  if ((state.dr7 & 0xff) != 0 || (state.cr0 & cr0::kPg) == 0) return false;
  uint8_t cpl = cpu.cpl();
  if (cpl == 0) return true;
  // CR4.TSD makes rdtsc fault at CPL 3: rare enough to interpret.
  bool alignment_checks = (state.rflags & rflags::kAc) != 0 && (state.cr0 & cr0::kAm) != 0;
  return cpl == 3 && !alignment_checks && (state.cr4 & cr4::kTsd) == 0;
}

}  // namespace cumulet::hypervisor
