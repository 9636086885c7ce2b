// Interpreter: executes one guest instruction in any mode, exactly; slow, and never wrong.
#pragma once

#include <memory>
#include <optional>

#include "hypervisor/interpret/cpu.h"
#include "hypervisor/interpret/page_walk.h"
#include "hypervisor/vcpu/exit.h"

namespace cumulet::hypervisor {

// One per Cpu, on the vCPU's thread.
//
// Instructions that only compute (integer, x87, SSE, AVX) run natively: the instruction is re-encoded for
// 64-bit mode with its memory operand in a buffer, the guest's registers are loaded, it executes, and they
// are stored back. So flags and rounding are the host's own. Control flow, stacks, strings, segments and
// system instructions are C++.
//
// Port I/O, MMIO and MSRs need the machine: step() then returns the exit with the instruction in flight; the
// next step() executes the same instruction again with the answers already given, so that it finishes (or
// asks for more).
class Interpreter {
 public:
  explicit Interpreter(Cpu& cpu);
  ~Interpreter();

  // Executes one instruction (one iteration of a repeated string instruction may count as one), delivering
  // any exception that it raises through the IDT, or finishes the instruction in flight. Returns the exit if
  // the machine is needed. Does not look at pending interrupts.
  [[nodiscard]] std::optional<Exit> step();

  // Delivers a pending NMI or interrupt if the guest can take it now; ends a halt. True if one was delivered.
  bool deliver_pending();

  // Delivers an exception raised elsewhere (by translated code) as if the instruction at state.rip had raised
  // it. Faults while delivering become double fault, then ShutdownExit (SDM volume 3, 6.15).
  [[nodiscard]] std::optional<Exit> raise(const Exception& exception);

  // True while an instruction waits for the machine's answer.
  [[nodiscard]] bool in_flight() const;
  // Forgets the instruction in flight, so that a reset or a new state can be set.
  void abandon();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace cumulet::hypervisor
