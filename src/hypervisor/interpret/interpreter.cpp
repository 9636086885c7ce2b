// One instruction from boundary to boundary: fetch, execute, traps, exits.
#include "hypervisor/interpret/interpreter.h"

#include <utility>

#include "hypervisor/interpret/breakpoints.h"
#include "hypervisor/interpret/delivery.h"
#include "hypervisor/interpret/dispatch.h"
#include "hypervisor/interpret/fetch.h"

namespace cumulet::hypervisor {

namespace {
// RF covers one instruction; IRET loads it for the next (SDM volume 3, 17.3.1.1).
bool loads_resume_flag(ZydisMnemonic mnemonic) {
  return mnemonic == ZYDIS_MNEMONIC_IRET || mnemonic == ZYDIS_MNEMONIC_IRETD ||
         mnemonic == ZYDIS_MNEMONIC_IRETQ;
}

// True if a single-step trap follows: TF was set when the instruction began, and the instruction did not
// enter a handler that cleared it (SDM volume 3, 17.3.1.4).
bool single_steps(const ZydisDecodedInstruction& info, uint64_t flags_before, uint64_t flags_after) {
  if ((flags_before & rflags::kTf) == 0 || info.meta.category == ZYDIS_CATEGORY_INTERRUPT) return false;
  bool enters_kernel = info.mnemonic == ZYDIS_MNEMONIC_SYSCALL || info.mnemonic == ZYDIS_MNEMONIC_SYSENTER;
  return !enters_kernel || (flags_after & rflags::kTf) != 0;
}
}  // namespace

class Interpreter::Implementation {
 public:
  explicit Implementation(Cpu& cpu) : x_(cpu) {}

  std::optional<Exit> step();
  bool deliver_pending();
  std::optional<Exit> raise(const Exception& exception);
  [[nodiscard]] bool in_flight() const { return !x_.requests.empty(); }
  void abandon() { x_.requests.clear(); }

 private:
  std::optional<Exit> stopped(bool shadow);
  std::optional<Exit> finished(uint64_t flags_before);
  // The exit that an interrupt delivery ended with, for the next step().
  std::optional<Exit> deferred_exit_;
  Execution x_;
  Fetcher fetcher_;
  uint64_t in_flight_next_rip_ = 0;
};

std::optional<Exit> Interpreter::Implementation::step() {
  CpuState& state = x_.state;
  if (deferred_exit_) return std::exchange(deferred_exit_, std::nullopt);
  if (state.activity != Activity::kRunning) return HaltExit{};
  x_.exception.reset();
  x_.exit.reset();
  x_.exit_when_done = x_.repeat = false;
  x_.debug_hits = 0;
  x_.checkpoint();
  uint64_t flags_before = state.rflags;
  bool shadow = state.interrupt_shadow;

  if (in_flight()) {
    x_.requests.rewind();
    x_.next_rip = in_flight_next_rip_;
  } else {
    if (breakpoints_enabled(state) && (state.rflags & rflags::kRf) == 0) {
      bool code64 = x_.cpu.in_64bit_code();
      uint64_t hits = instruction_breakpoints(state, state.rip + (code64 ? 0 : state.segments[kCs].base));
      if (hits != 0) return deliver_exception(x_, {kDebug, false, 0, hits});
    }
    if (!fetcher_.fetch(x_)) return stopped(shadow);
    in_flight_next_rip_ = x_.next_rip;
    if (x_.has(ZYDIS_ATTRIB_HAS_LOCK) && !x_.has(ZYDIS_ATTRIB_ACCEPTS_LOCK)) {
      x_.exception = invalid_opcode();
      return stopped(shadow);
    }
  }
  state.interrupt_shadow = false;
  if (!handler_of(x_.info().mnemonic)(x_)) return stopped(shadow);
  return finished(flags_before);
}

// The instruction stopped: an exception, a question to the machine, or the end of the VM.
std::optional<Exit> Interpreter::Implementation::stopped(bool shadow) {
  x_.roll_back();
  if (x_.exception) {
    x_.requests.clear();
    Exception exception = *x_.exception;
    return deliver_exception(x_, exception);
  }
  x_.state.interrupt_shadow = shadow;
  CHECK(x_.exit.has_value());
  if (std::holds_alternative<FailureExit>(*x_.exit)) x_.requests.clear();
  return std::exchange(x_.exit, std::nullopt);
}

std::optional<Exit> Interpreter::Implementation::finished(uint64_t flags_before) {
  CpuState& state = x_.state;
  x_.requests.clear();
  if (!x_.repeat) {
    state.rip = x_.next_rip;
    if (!loads_resume_flag(x_.info().mnemonic)) state.rflags &= ~rflags::kRf;
  }
  std::optional<Exit> exit;
  if (x_.exit_when_done) exit = std::exchange(x_.exit, std::nullopt);
  uint64_t traps = x_.debug_hits;
  if (single_steps(x_.info(), flags_before, state.rflags)) traps |= kDr6SingleStep;
  // The trap waits for the instruction after MOV SS or POP SS (SDM volume 3, 6.8.3).
  bool waits =
      state.interrupt_shadow && (traps & ~kDr6SingleStep) == 0 && x_.info().mnemonic != ZYDIS_MNEMONIC_STI;
  if (traps != 0 && !waits) {
    std::optional<Exit> failed = deliver_exception(x_, {kDebug, false, 0, traps});
    if (failed) return failed;
  }
  return exit;
}

bool Interpreter::Implementation::deliver_pending() {
  Cpu& cpu = x_.cpu;
  CpuState& state = x_.state;
  if (in_flight() || state.interrupt_shadow || state.activity == Activity::kWaitForSipi) return false;
  Event event = {0, Event::Source::kExternal, state.rip};
  if (cpu.pending_nmi && !cpu.nmi_blocked) {
    cpu.pending_nmi = false;
    cpu.nmi_blocked = true;
    event.vector = kNmi;
  } else if (cpu.pending_interrupt && (state.rflags & rflags::kIf) != 0) {
    event.vector = *cpu.pending_interrupt;
    cpu.pending_interrupt.reset();
  } else {
    return false;
  }
  state.activity = Activity::kRunning;
  deferred_exit_ = deliver_event(x_, event);
  return true;
}

std::optional<Exit> Interpreter::Implementation::raise(const Exception& exception) {
  x_.requests.clear();
  return deliver_exception(x_, exception);
}

Interpreter::Interpreter(Cpu& cpu) : implementation_(std::make_unique<Implementation>(cpu)) {
  constexpr uint32_t kAddressSizes = 0x80000008;
  if (cpu.cpuid == nullptr) return;
  if (const CpuidResult* sizes = cpu.cpuid->find(kAddressSizes))
    cpu.physical_address_bits = sizes->eax & 0xff;
}

Interpreter::~Interpreter() = default;

std::optional<Exit> Interpreter::step() { return implementation_->step(); }
bool Interpreter::deliver_pending() { return implementation_->deliver_pending(); }
std::optional<Exit> Interpreter::raise(const Exception& exception) {
  return implementation_->raise(exception);
}
bool Interpreter::in_flight() const { return implementation_->in_flight(); }
void Interpreter::abandon() { implementation_->abandon(); }

}  // namespace cumulet::hypervisor
