// THE CONTRACT between a machine and whatever runs its guest's instructions: Engine and Vcpu.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/vcpu/exit.h"
#include "hypervisor/vcpu/state.h"
#include "hypervisor/x86/cpuid.h"

namespace cumulet::hypervisor {

// One virtual processor.
//
// Life: created by Engine::create_vcpu() in reset_state(); set_state() puts it where boot wants it. One
// thread owns it: every method but kick() is called by that thread alone, and never while run() is on the
// stack.
//
// Interrupts: the local APIC is the machine's, not the engine's. Before each run() the machine looks whether
// its APIC has a vector to deliver. If can_inject(), it acknowledges the APIC and calls inject(); if not, it
// calls request_interrupt_window() and gets InterruptWindowExit as soon as the guest could take it.
class Vcpu {
 public:
  virtual ~Vcpu() = default;

  // Runs the guest until it needs the machine, and says why. The exits and what each asks are in exit.h; the
  // data that an exit asks for must be in place before the next call, which finishes the instruction that
  // exited. After any exit but PortIo, Mmio and Msr, get_state() is exact: the instruction boundary where the
  // guest stands. After those three, the instruction is still in flight; state may be read, and not be set,
  // until then.
  [[nodiscard]] virtual Exit run() = 0;

  // Makes run(), now or the next time it is called, return InterruptedExit soon (within microseconds on an
  // idle host), unless it returns for another reason first, which uses the kick up. Thread-safe; never
  // blocks.
  virtual void kick() = 0;

  // True when an external interrupt can be taken at the next instruction: IF set, no shadow, none injected
  // yet.
  [[nodiscard]] virtual bool can_inject() const = 0;
  // Delivers an external interrupt through the IDT before the next instruction. Ends a halt.
  // Precondition: can_inject().
  virtual void inject(uint8_t vector) = 0;
  // Delivers a non-maskable interrupt as soon as the guest can take one. Ends a halt.
  virtual void inject_nmi() = 0;
  // Makes run() return InterruptWindowExit as soon as can_inject() becomes true. Lasts until that exit.
  virtual void request_interrupt_window() = 0;

  // CR8, the task priority (bits 3:0). The machine mirrors it with its APIC's TPR: read after, set before
  // run().
  [[nodiscard]] virtual uint64_t get_cr8() const = 0;
  virtual void set_cr8(uint64_t value) = 0;

  [[nodiscard]] virtual CpuState get_state() const = 0;
  // Errors: kInvalidArgument when the state is one that hardware refuses (SDM volume 3, 26.3.1).
  [[nodiscard]] virtual Result<void> set_state(const CpuState& state) = 0;
};

// A way to run guests: emulated by translation, or by the CPU through KVM. One Engine serves one VM.
// Thread safety: create_vcpu() is called before any vCPU runs; everything else from any thread.
class Engine {
 public:
  virtual ~Engine() = default;

  // "emulated" or "kvm".
  [[nodiscard]] virtual std::string_view name() const = 0;
  // The most that a guest may be shown: features that this engine implements on this host. The machine adds
  // its own leaves (topology, APIC ids, hypervisor signature) and passes the result to create_vcpu().
  [[nodiscard]] virtual const CpuidTable& supported_cpuid() const = 0;
  // The TSC frequency that guests see, in kHz.
  [[nodiscard]] virtual uint64_t tsc_khz() const = 0;
  // Creates vCPU number `index` (0 first, in order). `cpuid` must be within supported_cpuid() plus the
  // machine's own leaves. Errors: kResourceExhausted, kIo, kUnsupported.
  [[nodiscard]] virtual Result<std::unique_ptr<Vcpu>> create_vcpu(uint32_t index,
                                                                  const CpuidTable& cpuid) = 0;
  // Guest RAM changed under the vCPUs' feet by something that is not a vCPU (a device's DMA, a loader): drops
  // whatever the engine derived from these bytes. Cheap when it derived nothing. Thread-safe.
  virtual void memory_changed(GuestAddress address, uint64_t size) = 0;
};

}  // namespace cumulet::hypervisor
