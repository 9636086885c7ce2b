// Guest RAM as KVM's memory slots.
#include <bit>
#include <linux/kvm.h>

#include "base/check.h"
#include "hypervisor/kvm/kvm_call.h"
#include "hypervisor/kvm/memory_slots.h"

namespace cumulet::hypervisor {

Result<void> install_memory_slots(int vm_fd, const GuestMemory& memory) {
  uint32_t slot = 0;
  for (const MemoryRegion& region : memory.regions()) {
    uint8_t* host = memory.unsafe_host_pointer(region.address, region.size);
    CHECK(host != nullptr);
    kvm_userspace_memory_region out{};
    out.slot = slot++;
    out.guest_phys_addr = region.address;
    out.memory_size = region.size;
    out.userspace_addr = std::bit_cast<uintptr_t>(host);
    TRY(kvm_call(vm_fd, KVM_SET_USER_MEMORY_REGION, &out, "give KVM the guest's RAM"));
  }
  return {};
}

}  // namespace cumulet::hypervisor
