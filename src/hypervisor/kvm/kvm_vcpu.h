// KvmVcpu: one virtual processor behind a KVM vCPU descriptor.
#pragma once

#include <atomic>
#include <cstdint>
#include <linux/kvm.h>
#include <memory>
#include <optional>
#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "hypervisor/kvm/kvm_state.h"
#include "hypervisor/vcpu/vcpu.h"

namespace cumulet::hypervisor {

// Problem: KVM's run loop with the machine in charge of interrupts. KVM without an interrupt controller knows
// neither halted nor waiting processors (KVM_SET_MP_STATE refuses them), so this class remembers `activity_`
// and does not enter the guest while nothing can happen there.
//
// Invariants: msr_answer_pending_ is true exactly when the last exit was Msr. kvm_run's fields
// request_interrupt_window and cr8 always hold what the next KVM_RUN should see.
// Thread safety: as Vcpu says.
class KvmVcpu final : public Vcpu {
 public:
  // Takes a fresh vCPU descriptor and puts it in reset_state(). `run_size` is KVM_GET_VCPU_MMAP_SIZE's
  // answer. Errors: those of kvm_call.
  static Result<std::unique_ptr<KvmVcpu>> create(UniqueFd fd, size_t run_size, const CpuidTable& cpuid);
  ~KvmVcpu() override;
  KvmVcpu(const KvmVcpu&) = delete;
  KvmVcpu& operator=(const KvmVcpu&) = delete;

  [[nodiscard]] Exit run() override;
  void kick() override;
  [[nodiscard]] bool can_inject() const override;
  void inject(uint8_t vector) override;
  void inject_nmi() override;
  void request_interrupt_window() override;
  [[nodiscard]] uint64_t get_cr8() const override;
  void set_cr8(uint64_t value) override;
  [[nodiscard]] CpuState get_state() const override;
  [[nodiscard]] Result<void> set_state(const CpuState& state) override;

 private:
  KvmVcpu(UniqueFd fd, kvm_run* run, size_t run_size);

  // Enters KVM until there is an exit for the machine.
  Exit enter();
  // Translates kvm_run's exit. Empty: nothing that concerns the machine happened, enter again.
  std::optional<Exit> take_exit();
  std::optional<Exit> take_msr_exit(Direction direction);
  [[nodiscard]] std::string internal_error_text() const;
  // Hands the machine's answer to the last MsrExit to KVM.
  void finish_msr();
  // Makes the next KVM_RUN return at once if a kick is waiting.
  void arm_immediate_exit();

  [[nodiscard]] Result<KvmState> read_kvm() const;
  [[nodiscard]] Result<void> write_kvm(KvmState& kvm);
  [[nodiscard]] Result<void> write_tsc_offset(uint64_t offset);
  [[nodiscard]] uint64_t read_tsc_offset() const;

  UniqueFd fd_;
  kvm_run* run_;
  size_t run_size_;
  size_t msr_count_ = kStateMsrs.size();  // how many of kStateMsrs this KVM has

  Activity activity_ = Activity::kRunning;
  bool can_inject_ = false;
  bool msr_answer_pending_ = false;
  uint64_t msr_value_ = 0;
  bool msr_fault_ = false;

  std::atomic<bool> kicked_ = false;
  std::atomic<pid_t> running_thread_ = 0;  // 0: not in run()
};

}  // namespace cumulet::hypervisor
