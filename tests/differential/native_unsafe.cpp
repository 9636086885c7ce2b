// The native oracle: signal contexts as the way into and out of a sequence.
#include <asm/prctl.h>
#include <cstring>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "native.h"

#include "base/check.h"
#include "hypervisor/x86/extended_state.h"

namespace cumulet::differential {

namespace {

constexpr int kRegisterOrder[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
constexpr uint32_t kLegacySize = 512;
constexpr uint32_t kFpXstateMagic1 = 0x46505853;  // Linux, asm/sigcontext.h
constexpr size_t kSignalStackSize = 64 * 1024;

// What the handlers share with run(): there is one sequence at a time.
struct Session {
  const Start* start = nullptr;
  Outcome* outcome = nullptr;
  gregset_t saved_registers{};
  alignas(64) uint8_t saved_vector[8192]{};
  size_t saved_vector_size = 0;
};
Session session;

uint8_t* vector_area(ucontext_t* context) { return reinterpret_cast<uint8_t*>(context->uc_mcontext.fpregs); }

size_t vector_area_size(const uint8_t* area) {
  uint32_t magic = 0, size = 0;
  std::memcpy(&magic, area + 464, 4);
  std::memcpy(&size, area + 464 + 16, 4);  // _fpx_sw_bytes.xstate_size
  return magic == kFpXstateMagic1 ? size : kLegacySize;
}

// AVX-512's parts of the state, if there are any.
template <typename Act>
void for_wide_components(const Act& act) {
  using namespace hypervisor;
  const WideLayout& layout = host_wide_layout();
  if (layout.end == 0) return;
  act(kOpmaskState, layout.opmask, WideLayout::kOpmaskSize);
  act(kUpperHalvesState, layout.upper_halves, WideLayout::kUpperHalvesSize);
  act(kHighRegistersState, layout.high_registers, WideLayout::kHighRegistersSize);
}

// Entering: the kernel returns from this handler into the sequence.
void enter(int, siginfo_t*, void* raw) {
  auto* context = static_cast<ucontext_t*>(raw);
  uint8_t* area = vector_area(context);
  std::memcpy(session.saved_registers, context->uc_mcontext.gregs, sizeof(gregset_t));
  session.saved_vector_size = vector_area_size(area);
  std::memcpy(session.saved_vector, area, session.saved_vector_size);

  const Registers& registers = session.start->registers;
  auto& gregs = context->uc_mcontext.gregs;
  for (int i = 0; i < 16; ++i) gregs[kRegisterOrder[i]] = static_cast<greg_t>(registers.gpr[i]);
  gregs[REG_RIP] = static_cast<greg_t>(registers.rip);
  gregs[REG_EFL] = static_cast<greg_t>(registers.rflags);
  std::memcpy(area, registers.vector.data(), 464);  // the software bytes stay the kernel's
  std::memcpy(area + 576, registers.vector.data() + 576, 256);
  uint64_t present = 7;  // x87, SSE, AVX; the rest in its initial state
  for_wide_components([&](uint32_t component, uint32_t offset, uint32_t size) {
    std::memcpy(area + offset, registers.vector.data() + offset, size);
    present |= component;
  });
  std::memcpy(area + 512, &present, sizeof(present));
}

// Leaving: the kernel returns from this handler to where raise() was interrupted.
void leave(int, siginfo_t*, void* raw) {
  auto* context = static_cast<ucontext_t*>(raw);
  auto& gregs = context->uc_mcontext.gregs;
  Outcome& outcome = *session.outcome;
  for (int i = 0; i < 16; ++i) outcome.registers.gpr[i] = static_cast<uint64_t>(gregs[kRegisterOrder[i]]);
  outcome.registers.rip = static_cast<uint64_t>(gregs[REG_RIP]);
  outcome.registers.rflags = static_cast<uint64_t>(gregs[REG_EFL]);
  outcome.vector = static_cast<uint8_t>(gregs[REG_TRAPNO]);
  outcome.error_code = static_cast<uint64_t>(gregs[REG_ERR]);
  outcome.fault_address = static_cast<uint64_t>(gregs[REG_CR2]);
  uint8_t* area = vector_area(context);
  constexpr size_t kWithoutWide = 832;
  std::memcpy(outcome.registers.vector.data(), area, kWithoutWide);
  for_wide_components([&](uint32_t, uint32_t offset, uint32_t size) {
    std::memcpy(outcome.registers.vector.data() + offset, area + offset, size);
  });

  std::memcpy(gregs, session.saved_registers, sizeof(gregset_t));
  std::memcpy(area, session.saved_vector, session.saved_vector_size);
}

uint8_t* area_at(uint64_t address) { return reinterpret_cast<uint8_t*>(address); }

void map_area(uint64_t address, int protection) {
  void* mapped =
      mmap(area_at(address), kAreaSize, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  CHECK(mapped == area_at(address));
}

void handle(int signal, void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigfillset(&action.sa_mask);
  CHECK(sigaction(signal, &action, nullptr) == 0);
}

// An XSAVE image from the kernel may leave out components in their initial state (XSTATE_BV bit clear): fill
// them in.
void complete_vector_state(VectorState& vector) {
  uint64_t present = 0;
  std::memcpy(&present, vector.data() + 512, sizeof(present));
  if ((present & 1) == 0) {
    std::memset(vector.data(), 0, 24);
    std::memset(vector.data() + 32, 0, 128);
    vector[0] = 0x7f;
    vector[1] = 0x03;
  }
  if ((present & 2) == 0) std::memset(vector.data() + 160, 0, 256);
  if ((present & 4) == 0) std::memset(vector.data() + 576, 0, 256);
  for_wide_components([&](uint32_t component, uint32_t offset, uint32_t size) {
    if ((present & component) == 0) std::memset(vector.data() + offset, 0, size);
  });
}

}  // namespace

NativeRunner::NativeRunner() {
  map_area(kCodeBase, PROT_READ);
  map_area(kDataBase, PROT_READ | PROT_WRITE);
  map_area(kStackBase, PROT_READ | PROT_WRITE);
  stack_t stack{};
  static uint8_t signal_stack[kSignalStackSize];
  stack.ss_sp = signal_stack;
  stack.ss_size = sizeof(signal_stack);
  CHECK(sigaltstack(&stack, nullptr) == 0);
}

NativeRunner::~NativeRunner() {
  for (uint64_t base : {kCodeBase, kDataBase, kStackBase}) munmap(area_at(base), kAreaSize);
}

Outcome NativeRunner::run(const Start& start) {
  Outcome outcome;
  CHECK(mprotect(area_at(kCodeBase), kAreaSize, PROT_READ | PROT_WRITE) == 0);
  std::memset(area_at(kCodeBase), kEndOfSequence, kAreaSize);
  std::memcpy(area_at(start.registers.rip), start.code.data(), start.code.size());
  CHECK(mprotect(area_at(kCodeBase), kAreaSize, PROT_READ | PROT_EXEC) == 0);
  std::memcpy(area_at(kDataBase), start.data.data(), kAreaSize);
  std::memcpy(area_at(kStackBase), start.stack.data(), kAreaSize);
  session.start = &start;
  session.outcome = &outcome;
  handle(SIGUSR1, enter);
  struct sigaction previous[5];
  constexpr int kEnds[5] = {SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  for (int i = 0; i < 5; ++i) sigaction(kEnds[i], nullptr, &previous[i]);
  for (int signal : kEnds) handle(signal, leave);
  sigset_t entering, blocked;  // an engine blocks asynchronous signals on its threads
  sigemptyset(&entering);
  sigaddset(&entering, SIGUSR1);
  pthread_sigmask(SIG_UNBLOCK, &entering, &blocked);
  unsigned long engine_gs = 0;  // an engine may keep its context there; the guest's GS base is 0
  syscall(SYS_arch_prctl, ARCH_GET_GS, &engine_gs);
  syscall(SYS_arch_prctl, ARCH_SET_GS, 0);
  raise(SIGUSR1);
  syscall(SYS_arch_prctl, ARCH_SET_GS, engine_gs);
  pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
  for (int i = 0; i < 5; ++i) sigaction(kEnds[i], &previous[i], nullptr);
  complete_vector_state(outcome.registers.vector);
  std::memcpy(outcome.data.data(), area_at(kDataBase), kAreaSize);
  std::memcpy(outcome.stack.data(), area_at(kStackBase), kAreaSize);
  return outcome;
}

}  // namespace cumulet::differential
