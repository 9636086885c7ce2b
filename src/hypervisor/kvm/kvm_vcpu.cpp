// A KVM vCPU: entering the guest, its exits, interrupts and kicks.
#include "hypervisor/kvm/kvm_vcpu.h"

#include <bit>
#include <cerrno>
#include <csignal>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

#include "base/check.h"
#include "hypervisor/kvm/kick_signal.h"
#include "hypervisor/kvm/kvm_call.h"
#include "hypervisor/kvm/kvm_cpuid.h"
#include "hypervisor/kvm/msr_filter.h"

namespace cumulet::hypervisor {

Result<std::unique_ptr<KvmVcpu>> KvmVcpu::create(UniqueFd fd, size_t run_size, const CpuidTable& cpuid) {
  TRY_VOID(write_kvm_cpuid(fd.get(), cpuid));
  void* mapping = mmap(nullptr, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (mapping == MAP_FAILED) return fail(errno_error("map a KVM vCPU's run structure", errno));
  std::unique_ptr<KvmVcpu> vcpu(new KvmVcpu(std::move(fd), static_cast<kvm_run*>(mapping), run_size));
  TRY_VOID(vcpu->set_state(reset_state()));
  return vcpu;
}

KvmVcpu::KvmVcpu(UniqueFd fd, kvm_run* run, size_t run_size)
    : fd_(std::move(fd)), run_(run), run_size_(run_size) {}

KvmVcpu::~KvmVcpu() { munmap(run_, run_size_); }

void KvmVcpu::kick() {
  kicked_.store(true);
  std::atomic_ref<uint8_t>(run_->immediate_exit).store(1);
  // The order matters: whoever enters KVM_RUN after this load sees immediate_exit.
  pid_t thread = running_thread_.load();
  if (thread != 0) syscall(SYS_tgkill, getpid(), thread, kick_signal());
}

void KvmVcpu::arm_immediate_exit() {
  // kick() sets kicked_ first and immediate_exit second, so a kick that this load misses stores its 1 after
  // our 0.
  std::atomic_ref<uint8_t> immediate_exit(run_->immediate_exit);
  immediate_exit.store(0);
  if (kicked_.load()) immediate_exit.store(1);
}

Exit KvmVcpu::run() {
  unblock_kick_signal();
  running_thread_.store(gettid());
  Exit exit = enter();
  running_thread_.store(0);
  kicked_.store(false);  // used up, whatever the exit was
  return exit;
}

Exit KvmVcpu::enter() {
  finish_msr();
  while (true) {
    if (activity_ != Activity::kRunning) {
      if (kicked_.load()) return InterruptedExit{};
      if (activity_ == Activity::kHalted && run_->request_interrupt_window != 0 && can_inject_) {
        run_->request_interrupt_window = 0;
        return InterruptWindowExit{};
      }
      return HaltExit{};
    }
    arm_immediate_exit();
    int answer = ioctl(fd_.get(), KVM_RUN, 0);
    int error = errno;
    can_inject_ = run_->ready_for_interrupt_injection != 0;
    if (answer == 0) {
      if (auto exit = take_exit()) return *exit;
      continue;
    }
    if (error == EINTR || error == EAGAIN) {
      if (kicked_.load()) return InterruptedExit{};
      continue;  // a signal of somebody else's
    }
    return FailureExit{fmt::format("KVM cannot run the vCPU: {}", std::generic_category().message(error))};
  }
}

std::optional<Exit> KvmVcpu::take_exit() {
  uint8_t* run_bytes = static_cast<uint8_t*>(static_cast<void*>(run_));
  switch (run_->exit_reason) {
    case KVM_EXIT_IO: {
      auto& io = run_->io;
      Direction direction = io.direction == KVM_EXIT_IO_IN ? Direction::kRead : Direction::kWrite;
      size_t length = size_t{io.size} * io.count;
      CHECK(io.data_offset <= run_size_ && length <= run_size_ - io.data_offset);
      return PortIoExit{io.port, io.size, direction, io.count,
                        MutableByteView(run_bytes + io.data_offset, length)};
    }
    case KVM_EXIT_MMIO: {
      auto& mmio = run_->mmio;
      CHECK(mmio.len <= sizeof(mmio.data));
      return MmioExit{mmio.phys_addr, mmio.is_write != 0 ? Direction::kWrite : Direction::kRead,
                      MutableByteView(mmio.data, mmio.len)};
    }
    case KVM_EXIT_X86_RDMSR: return take_msr_exit(Direction::kRead);
    case KVM_EXIT_X86_WRMSR: return take_msr_exit(Direction::kWrite);
    case KVM_EXIT_HLT: activity_ = Activity::kHalted; return HaltExit{};
    case KVM_EXIT_IRQ_WINDOW_OPEN: run_->request_interrupt_window = 0; return InterruptWindowExit{};
    case KVM_EXIT_SET_TPR: return TaskPriorityExit{};
    case KVM_EXIT_INTR:
      if (kicked_.load()) return InterruptedExit{};
      return std::nullopt;
    case KVM_EXIT_SHUTDOWN: return ShutdownExit{};
    case KVM_EXIT_FAIL_ENTRY:
      return FailureExit{fmt::format("the CPU refused to enter the guest: hardware reason {:#x}",
                                     uint64_t{run_->fail_entry.hardware_entry_failure_reason})};
    case KVM_EXIT_INTERNAL_ERROR: return FailureExit{internal_error_text()};
    default: return FailureExit{fmt::format("KVM exited for a reason we do not know: {}", run_->exit_reason)};
  }
}

std::optional<Exit> KvmVcpu::take_msr_exit(Direction direction) {
  msr_answer_pending_ = true;
  msr_fault_ = false;
  msr_value_ = direction == Direction::kWrite ? run_->msr.data : 0;
  if (run_->msr.reason != KVM_MSR_EXIT_REASON_FILTER && kvm_holds_msr(run_->msr.index)) {
    msr_fault_ = true;  // KVM knows the register and refused the access: the guest's #GP
    finish_msr();
    return std::nullopt;
  }
  return MsrExit{run_->msr.index, direction, &msr_value_, &msr_fault_};
}

void KvmVcpu::finish_msr() {
  if (!msr_answer_pending_) return;
  msr_answer_pending_ = false;
  run_->msr.data = msr_value_;
  run_->msr.error = msr_fault_ ? 1 : 0;
}

std::string KvmVcpu::internal_error_text() const {
  const auto& failure = run_->emulation_failure;
  if (failure.suberror != KVM_INTERNAL_ERROR_EMULATION)
    return fmt::format("KVM had an internal error {}", failure.suberror);
  std::string text = "KVM cannot emulate the guest's instruction";
  bool has_bytes =
      failure.ndata >= 3 && (failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) != 0;
  for (size_t i = 0; has_bytes && i < std::min<size_t>(failure.insn_size, sizeof(failure.insn_bytes)); ++i)
    text += fmt::format("{}{:02x}", i == 0 ? ": " : " ", failure.insn_bytes[i]);
  kvm_regs regs{};
  if (kvm_call(fd_.get(), KVM_GET_REGS, &regs, "read registers"))
    text += fmt::format(" at rip {:#x}", uint64_t{regs.rip});
  return text;
}

bool KvmVcpu::can_inject() const { return can_inject_; }

void KvmVcpu::inject(uint8_t vector) {
  CHECK(can_inject_);
  kvm_interrupt interrupt{vector};
  CHECK(kvm_call(fd_.get(), KVM_INTERRUPT, &interrupt, "inject an interrupt"));
  can_inject_ = false;
  if (activity_ == Activity::kHalted) activity_ = Activity::kRunning;
}

void KvmVcpu::inject_nmi() {
  CHECK(kvm_call(fd_.get(), KVM_NMI, uintptr_t{0}, "inject an NMI"));
  if (activity_ != Activity::kHalted) return;
  kvm_vcpu_events events{};
  CHECK(kvm_call(fd_.get(), KVM_GET_VCPU_EVENTS, &events, "read pending events"));
  if (events.nmi.masked == 0) activity_ = Activity::kRunning;  // a blocked NMI wakes nobody
}

void KvmVcpu::request_interrupt_window() { run_->request_interrupt_window = 1; }

uint64_t KvmVcpu::get_cr8() const { return run_->cr8; }

void KvmVcpu::set_cr8(uint64_t value) { run_->cr8 = value; }

}  // namespace cumulet::hypervisor
