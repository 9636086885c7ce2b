// KvmClock: KVM's paravirtual clock: the guest reads time from its TSC with a scale that we write into its
// RAM.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// How TSC ticks become nanoseconds: ((ticks shifted left by `shift`, or right if negative) * multiplier)
// >> 32.
struct TscScale {
  uint32_t multiplier;
  int8_t shift;
};
TscScale tsc_scale(uint64_t tsc_khz);

// Problem: a guest must know the time without asking, the same on every processor.
// All processors get the same numbers: TSC at boot, system time 0 then, and the scale; the TSC is the host's
// own and runs at one rate, so these never change and PVCLOCK_TSC_STABLE_BIT may be set (Linux
// Documentation/virt/kvm/x86/msr.rst). Immutable, so thread-safe.
class KvmClock {
 public:
  static constexpr uint32_t kMsrWallClock = 0x4b564d00, kMsrSystemTime = 0x4b564d01;

  KvmClock(GuestMemory& memory, const Clock& clock, uint64_t tsc_khz, uint64_t boot_tsc);

  // The guest wrote MSR_KVM_SYSTEM_TIME_NEW: fills its per-processor structure, if bit 0 enables it. False:
  // the address is not in RAM, and the guest gets #GP.
  [[nodiscard]] bool write_system_time(uint64_t value);
  // The guest wrote MSR_KVM_WALL_CLOCK_NEW: writes the wall time of boot. False as above.
  [[nodiscard]] bool write_wall_clock(uint64_t value);

 private:
  GuestMemory& memory_;
  TscScale scale_;
  uint64_t boot_tsc_;
  uint64_t boot_wall_ns_;
};

}  // namespace cumulet::hypervisor
