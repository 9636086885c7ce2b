// The signal handler that turns a host fault in translated code into an exit, and the stacks it runs on.
#include <array>
#include <mutex>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "base/check.h"
#include "hypervisor/translate/context.h"
#include "hypervisor/translate/native_fault.h"

namespace cumulet::hypervisor {

namespace {
constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
constexpr int kSignalLimit = 32;
constexpr size_t kStackSize = 128 << 10;
constexpr int kAutoDisarm = 1 << 31;  // SS_AUTODISARM: the guest's rsp may point into the signal stack

struct Current {
  Context* context;
  uint64_t code, size, leave_fault;
  WindowFaultHandler handler;
};
thread_local Current current{};
std::array<struct sigaction, kSignalLimit> previous_actions;

// Where ucontext keeps the registers, in hardware order (sys/ucontext.h).
constexpr int kRegisterOrder[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

void call_previous(int signal, siginfo_t* info, void* raw) {
  const struct sigaction& previous = previous_actions[static_cast<size_t>(signal)];
  if ((previous.sa_flags & SA_SIGINFO) != 0) return previous.sa_sigaction(signal, info, raw);
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) return previous.sa_handler(signal);
  sigaction(signal, &previous, nullptr);  // the fault happens again, and ends the process
}

void handle_fault(int signal, siginfo_t* info, void* raw) {
  auto& registers = static_cast<ucontext_t*>(raw)->uc_mcontext.gregs;
  auto rip = static_cast<uint64_t>(registers[REG_RIP]);
  if (current.context == nullptr || rip - current.code >= current.size)
    return call_previous(signal, info, raw);
  Context& context = *current.context;
  constexpr greg_t kWriteError = 2;  // of a page fault's error code
  auto address = reinterpret_cast<uint64_t>(info->si_addr);
  if (signal == SIGSEGV && current.handler(&context, address, (registers[REG_ERR] & kWriteError) != 0))
    return;
  for (size_t i = 0; i < 16; ++i)
    context.cpu.state.gpr[i] = static_cast<uint64_t>(registers[kRegisterOrder[i]]);
  context.host_flags = static_cast<uint64_t>(registers[REG_EFL]);
  context.host_rip = rip;
  context.fault_address = address;
  context.reason = LeaveReason::kNativeFault;
  registers[REG_RSP] = static_cast<greg_t>(context.host_rsp);
  registers[REG_RIP] = static_cast<greg_t>(current.leave_fault);
}

void install_handlers() {
  for (int signal : kSignals) {
    struct sigaction action {};
    action.sa_sigaction = handle_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    for (int synchronous : kSignals) sigdelset(&action.sa_mask, synchronous);
    CHECK(sigaction(signal, &action, &previous_actions[static_cast<size_t>(signal)]) == 0);
  }
}

// The calling thread's signal stack, with an unmapped page below.
class SignalStack {
 public:
  SignalStack() {
    constexpr size_t kGuard = 4096;
    pages_ = mmap(nullptr, kStackSize + kGuard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages_ != MAP_FAILED);
    CHECK(mprotect(pages_, kGuard, PROT_NONE) == 0);
    stack_t stack{};
    stack.ss_sp = static_cast<uint8_t*>(pages_) + kGuard;
    stack.ss_size = kStackSize;
    stack.ss_flags = kAutoDisarm;
    CHECK(sigaltstack(&stack, &old_) == 0);
    size_ = kStackSize + kGuard;
    block_asynchronous_signals();
  }
  ~SignalStack() {
    old_.ss_flags &= SS_DISABLE;
    sigaltstack(&old_, nullptr);
    munmap(pages_, size_);
  }

 private:
  static void block_asynchronous_signals() {
    sigset_t all;
    sigfillset(&all);
    for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&all, signal);
    CHECK(pthread_sigmask(SIG_BLOCK, &all, nullptr) == 0);
  }

  void* pages_;
  size_t size_;
  stack_t old_{};
};
}  // namespace

void prepare_thread_for_translated_code() {
  static std::once_flag installed;
  std::call_once(installed, install_handlers);
  thread_local SignalStack stack;
  (void)stack;
}

NativeFaultScope::NativeFaultScope(Context& context, uint64_t code, uint64_t size, uint64_t leave_fault,
                                   WindowFaultHandler handler) {
  current = {&context, code, size, leave_fault, handler};
}

NativeFaultScope::~NativeFaultScope() { current.context = nullptr; }

}  // namespace cumulet::hypervisor
