// A KVM vCPU's state: reading and writing it through KVM's ioctls.
#include <algorithm>
#include <bit>
#include <fmt/format.h>

#include "base/check.h"
#include "hypervisor/kvm/kvm_abi.h"
#include "hypervisor/kvm/kvm_call.h"
#include "hypervisor/kvm/kvm_vcpu.h"

namespace cumulet::hypervisor {

namespace {
using MsrBuffer = KvmMsrs<kStateMsrs.size()>;

MsrBuffer named_msrs(size_t count) {
  MsrBuffer buffer;
  buffer.count = static_cast<uint32_t>(count);
  for (size_t i = 0; i < kStateMsrs.size(); ++i) buffer.entries[i].index = kStateMsrs[i];
  return buffer;
}

kvm_device_attr tsc_offset_attribute(uint64_t& value) {
  kvm_device_attr attribute{};
  attribute.group = KVM_VCPU_TSC_CTRL;
  attribute.attr = KVM_VCPU_TSC_OFFSET;
  attribute.addr = std::bit_cast<uintptr_t>(&value);
  return attribute;
}
}  // namespace

Result<KvmState> KvmVcpu::read_kvm() const {
  KvmState kvm;
  TRY(kvm_call(fd_.get(), KVM_GET_REGS, &kvm.regs, "read registers"));
  TRY(kvm_call(fd_.get(), KVM_GET_SREGS, &kvm.sregs, "read system registers"));
  TRY(kvm_call(fd_.get(), kKvmGetXsave, &kvm.xsave, "read vector registers"));
  TRY(kvm_call(fd_.get(), KVM_GET_XCRS, &kvm.xcrs, "read XCR0"));
  TRY(kvm_call(fd_.get(), KVM_GET_DEBUGREGS, &kvm.debug, "read debug registers"));
  TRY(kvm_call(fd_.get(), KVM_GET_VCPU_EVENTS, &kvm.events, "read pending events"));
  MsrBuffer msrs = named_msrs(msr_count_);
  int read = TRY(kvm_call(fd_.get(), kKvmGetMsrs, &msrs, "read model-specific registers"));
  for (int i = 0; i < read; ++i) kvm.msrs[i] = msrs.entries[i].data;
  return kvm;
}

Result<void> KvmVcpu::write_kvm(KvmState& kvm) {
  // System registers first: KVM checks the others against the mode and the features that they select.
  TRY(kvm_call(fd_.get(), KVM_SET_SREGS, &kvm.sregs, "set system registers"));
  TRY(kvm_call(fd_.get(), KVM_SET_REGS, &kvm.regs, "set registers"));
  TRY(kvm_call(fd_.get(), KVM_SET_XCRS, &kvm.xcrs, "set XCR0"));
  TRY(kvm_call(fd_.get(), kKvmSetXsave, &kvm.xsave, "set vector registers"));
  TRY(kvm_call(fd_.get(), KVM_SET_DEBUGREGS, &kvm.debug, "set debug registers"));
  MsrBuffer msrs = named_msrs(msr_count_);
  for (size_t i = 0; i < msr_count_; ++i) msrs.entries[i].data = kvm.msrs[i];
  int written = TRY(kvm_call(fd_.get(), kKvmSetMsrs, &msrs, "set model-specific registers"));
  if (static_cast<size_t>(written) < kStateMsrs.size() - 1)
    return fail(ErrorCode::kInvalidArgument, "KVM refuses a model-specific register's value",
                fmt::format("MSR {:#x}", kStateMsrs[static_cast<size_t>(written)]));
  msr_count_ = static_cast<size_t>(written);
  TRY(kvm_call(fd_.get(), KVM_SET_VCPU_EVENTS, &kvm.events, "set pending events"));
  return {};
}

uint64_t KvmVcpu::read_tsc_offset() const {
  uint64_t offset = 0;
  kvm_device_attr attribute = tsc_offset_attribute(offset);
  CHECK(kvm_call(fd_.get(), KVM_GET_DEVICE_ATTR, &attribute, "read the TSC offset"));
  return offset;
}

Result<void> KvmVcpu::write_tsc_offset(uint64_t offset) {
  kvm_device_attr attribute = tsc_offset_attribute(offset);
  TRY(kvm_call(fd_.get(), KVM_SET_DEVICE_ATTR, &attribute, "set the TSC offset"));
  return {};
}

CpuState KvmVcpu::get_state() const {
  auto kvm = read_kvm();
  CHECK(kvm);  // these ioctls cannot fail on a vCPU that exists
  CpuState state = from_kvm(*kvm);
  state.cr8 = run_->cr8;
  state.activity = activity_;
  state.tsc_offset = read_tsc_offset();
  return state;
}

Result<void> KvmVcpu::set_state(const CpuState& state) {
  CHECK(!msr_answer_pending_);
  KvmState kvm = TRY(read_kvm());
  uint64_t old_rip = linear_rip(kvm);
  to_kvm(state, kvm);
  if (linear_rip(kvm) != old_rip) drop_pending_events(kvm);
  TRY_VOID(write_kvm(kvm));
  TRY_VOID(write_tsc_offset(state.tsc_offset));
  run_->cr8 = state.cr8;
  run_->request_interrupt_window = 0;
  activity_ = state.activity;
  can_inject_ = (state.rflags & rflags::kIf) != 0 && !state.interrupt_shadow &&
                kvm.events.interrupt.injected == 0 && kvm.events.exception.injected == 0 &&
                kvm.events.exception.pending == 0;
  return {};
}

}  // namespace cumulet::hypervisor
