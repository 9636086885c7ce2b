// The KVM engine: opening /dev/kvm, checking what it can, and making virtual machines and vCPUs.
#include "hypervisor/kvm/engine.h"

#include <cerrno>
#include <fcntl.h>
#include <linux/kvm.h>
#include <system_error>

#include "base/unique_fd.h"
#include "hypervisor/kvm/kick_signal.h"
#include "hypervisor/kvm/kvm_call.h"
#include "hypervisor/kvm/kvm_cpuid.h"
#include "hypervisor/kvm/kvm_vcpu.h"
#include "hypervisor/kvm/memory_slots.h"
#include "hypervisor/kvm/msr_filter.h"

namespace cumulet::hypervisor {

namespace {
constexpr char kDevice[] = "/dev/kvm";

// Four pages that Intel processors without unrestricted guests need for real mode; below the end of the
// 32-bit space, where a PC has firmware ROM and this machine has nothing.
constexpr uint64_t kIdentityMapAddress = 0xfffbc000;
constexpr uint64_t kTssAddress = 0xfffbd000;

struct Requirement {
  int capability;
  const char* what;
};
constexpr Requirement kRequirements[] = {
    {KVM_CAP_USER_MEMORY, "user memory"},
    {KVM_CAP_EXT_CPUID, "CPUID"},
    {KVM_CAP_IMMEDIATE_EXIT, "immediate exits"},
    {KVM_CAP_VCPU_EVENTS, "event state"},
    {KVM_CAP_DEBUGREGS, "debug registers"},
    {KVM_CAP_XSAVE, "XSAVE state"},
    {KVM_CAP_XCRS, "XCR state"},
    {KVM_CAP_USER_NMI, "NMI injection"},
    {KVM_CAP_GET_TSC_KHZ, "the TSC's frequency"},
};

Result<UniqueFd> open_device() {
  UniqueFd fd(open(kDevice, O_RDWR | O_CLOEXEC));
  if (fd.valid()) return fd;
  std::string reason = std::generic_category().message(errno);
  switch (errno) {
    case EACCES:
    case EPERM:
      return fail(ErrorCode::kPermissionDenied, "no permission to use /dev/kvm (join the group kvm)", reason);
    case ENOENT:
    case ENXIO:
    case ENODEV: return fail(ErrorCode::kUnsupported, "this host has no KVM: /dev/kvm is missing", reason);
    default: return fail(ErrorCode::kIo, "cannot open /dev/kvm", reason);
  }
}

Result<void> check_requirements(int kvm_fd) {
  int version = TRY(kvm_call(kvm_fd, KVM_GET_API_VERSION, uintptr_t{0}, "ask KVM for its version"));
  if (version != KVM_API_VERSION)
    return fail(ErrorCode::kUnsupported, "this host's KVM has an unknown interface");
  for (const Requirement& requirement : kRequirements)
    if (kvm_capability(kvm_fd, requirement.capability) == 0)
      return fail(ErrorCode::kUnsupported, std::string("this host's KVM lacks ") + requirement.what);
  return {};
}

Result<UniqueFd> create_vm(int kvm_fd) {
  return UniqueFd(TRY(kvm_call(kvm_fd, KVM_CREATE_VM, uintptr_t{0}, "create a KVM virtual machine")));
}

// KVM tells the frequency of a vCPU only, and an engine must know it before it has one.
Result<uint64_t> probe_tsc_khz(int kvm_fd) {
  UniqueFd vm = TRY(create_vm(kvm_fd));
  UniqueFd vcpu(TRY(kvm_call(vm.get(), KVM_CREATE_VCPU, uintptr_t{0}, "create a KVM vCPU")));
  return static_cast<uint64_t>(
      TRY(kvm_call(vcpu.get(), KVM_GET_TSC_KHZ, uintptr_t{0}, "read the TSC's frequency")));
}

class KvmEngine final : public Engine {
 public:
  KvmEngine(UniqueFd vm, size_t run_size, CpuidTable cpuid, uint64_t tsc_khz)
      : vm_(std::move(vm)), run_size_(run_size), cpuid_(std::move(cpuid)), tsc_khz_(tsc_khz) {}

  [[nodiscard]] std::string_view name() const override { return "kvm"; }
  [[nodiscard]] const CpuidTable& supported_cpuid() const override { return cpuid_; }
  [[nodiscard]] uint64_t tsc_khz() const override { return tsc_khz_; }

  [[nodiscard]] Result<std::unique_ptr<Vcpu>> create_vcpu(uint32_t index, const CpuidTable& cpuid) override {
    UniqueFd fd(TRY(kvm_call(vm_.get(), KVM_CREATE_VCPU, uintptr_t{index}, "create a KVM vCPU")));
    return std::unique_ptr<Vcpu>(TRY(KvmVcpu::create(std::move(fd), run_size_, cpuid)));
  }

  // KVM follows the memory's pages themselves; nothing here is derived from their contents.
  void memory_changed(GuestAddress, uint64_t) override {}

 private:
  UniqueFd vm_;
  size_t run_size_;
  CpuidTable cpuid_;
  uint64_t tsc_khz_;
};
}  // namespace

Result<std::unique_ptr<Engine>> create_kvm_engine(GuestMemory& memory) {
  UniqueFd kvm = TRY(open_device());
  TRY_VOID(check_requirements(kvm.get()));
  install_kick_signal();
  CpuidTable cpuid = TRY(read_kvm_cpuid(kvm.get()));
  restrict_to_contract(cpuid);
  uint64_t tsc_khz = TRY(probe_tsc_khz(kvm.get()));
  int run_size =
      TRY(kvm_call(kvm.get(), KVM_GET_VCPU_MMAP_SIZE, uintptr_t{0}, "ask KVM for its run structure"));

  UniqueFd vm = TRY(create_vm(kvm.get()));
  uint64_t identity_map = kIdentityMapAddress;
  if (kvm_capability(kvm.get(), KVM_CAP_SET_IDENTITY_MAP_ADDR) != 0)
    TRY(kvm_call(vm.get(), KVM_SET_IDENTITY_MAP_ADDR, &identity_map, "place KVM's identity map"));
  if (kvm_capability(kvm.get(), KVM_CAP_SET_TSS_ADDR) != 0)
    TRY(kvm_call(vm.get(), KVM_SET_TSS_ADDR, uintptr_t{kTssAddress}, "place KVM's task state"));
  TRY_VOID(install_msr_filter(vm.get()));
  TRY_VOID(install_memory_slots(vm.get(), memory));
  return std::unique_ptr<Engine>(
      std::make_unique<KvmEngine>(std::move(vm), static_cast<size_t>(run_size), std::move(cpuid), tsc_khz));
}

}  // namespace cumulet::hypervisor
