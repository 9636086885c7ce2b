// The MSR filter: deny by default, so that the machine sees everything it did not give away.
#include "hypervisor/kvm/msr_filter.h"

#include <algorithm>
#include <array>
#include <linux/kvm.h>

#include "hypervisor/kvm/kvm_call.h"

namespace cumulet::hypervisor {

namespace {
struct Range {
  uint32_t first, count;
};
constexpr Range kHeld[] = {
    {0x10, 1},        // TSC
    {0x48, 2},        // SPEC_CTRL, PRED_CMD
    {0x10a, 2},       // ARCH_CAPABILITIES, FLUSH_CMD
    {0x174, 3},       // SYSENTER_CS, _ESP, _EIP
    {0x277, 1},       // PAT
    {0xc0000080, 5},  // EFER, STAR, LSTAR, CSTAR, FMASK
    {0xc0000100, 4},  // FS_BASE, GS_BASE, KERNEL_GS_BASE, TSC_AUX
    {0xc001011f, 1},  // VIRT_SPEC_CTRL (AMD)
};
static_assert(std::size(kHeld) <= KVM_MSR_FILTER_MAX_RANGES);
}  // namespace

bool kvm_holds_msr(uint32_t index) {
  return std::any_of(std::begin(kHeld), std::end(kHeld),
                     [index](const Range& range) { return index - range.first < range.count; });
}

Result<void> install_msr_filter(int vm_fd) {
  if (kvm_capability(vm_fd, KVM_CAP_X86_USER_SPACE_MSR) == 0 ||
      kvm_capability(vm_fd, KVM_CAP_X86_MSR_FILTER) == 0)
    return fail(ErrorCode::kUnsupported,
                "this host's KVM cannot hand MSR accesses to user space (Linux 5.10 can)");
  kvm_enable_cap enable{};
  enable.cap = KVM_CAP_X86_USER_SPACE_MSR;
  enable.args[0] = KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER;
  TRY(kvm_call(vm_fd, KVM_ENABLE_CAP, &enable, "ask KVM for MSR exits"));

  std::array<uint8_t, 8> all_allowed;  // one bit a register; no range is longer than 64
  all_allowed.fill(0xff);
  kvm_msr_filter filter{};
  filter.flags = KVM_MSR_FILTER_DEFAULT_DENY;
  size_t next = 0;
  for (const Range& range : kHeld) {
    kvm_msr_filter_range& out = filter.ranges[next++];
    out.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE;
    out.base = range.first;
    out.nmsrs = range.count;
    out.bitmap = all_allowed.data();
  }
  TRY(kvm_call(vm_fd, KVM_X86_SET_MSR_FILTER, &filter, "install KVM's MSR filter"));
  return {};
}

}  // namespace cumulet::hypervisor
