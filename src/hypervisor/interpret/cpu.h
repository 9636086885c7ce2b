// Cpu: one emulated processor, as the interpreter and the translator share it.
#pragma once

#include <cstdint>
#include <optional>

#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/vcpu/state.h"
#include "hypervisor/x86/cpuid.h"

namespace cumulet::hypervisor {

// What the interpreter tells whoever caches things derived from guest state (TLBs, translated code). Called
// on the vCPU's own thread, in the middle of an instruction.
class CpuObserver {
 public:
  virtual ~CpuObserver() = default;
  // Address translations went stale: every one, or all but global ones, or those of one linear page (any
  // PCID).
  virtual void tlb_flush_all() = 0;
  virtual void tlb_flush_non_global() = 0;
  virtual void tlb_flush_page(uint64_t linear) = 0;
  // The interpreter wrote guest RAM (not page-table accessed/dirty bits that it set during a walk).
  virtual void memory_written(GuestAddress address, uint64_t size) = 0;
};

// Invariant: `state` is exact at every instruction boundary. While translated code runs, the general
// registers, arithmetic flags and vector state are in the host's registers instead, and are stored back
// before anything here is used. Not thread-safe: one thread, the vCPU's.
struct Cpu {
  CpuState state = reset_state();
  const CpuidTable* cpuid = nullptr;
  GuestMemory* memory = nullptr;
  CpuObserver* observer = nullptr;
  uint32_t index = 0;                  // vCPU number, for logs only
  uint8_t physical_address_bits = 48;  // MAXPHYADDR; the Interpreter's constructor takes it from `cpuid`

  // Events waiting for the next instruction boundary.
  std::optional<uint8_t> pending_interrupt = {};
  bool pending_nmi = false;
  bool nmi_blocked = false;  // between NMI delivery and iret (SDM volume 3, 6.7.1)

  [[nodiscard]] uint8_t cpl() const { return state.segments[kSs].dpl(); }
  [[nodiscard]] bool long_mode() const { return (state.msr.efer & efer::kLma) != 0; }
  [[nodiscard]] bool in_64bit_code() const { return long_mode() && state.segments[kCs].long_mode(); }
};

}  // namespace cumulet::hypervisor
