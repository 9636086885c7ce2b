// KVM's requests and structures that end in an array of unspecified length, as the kernel (C) lays them out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "hypervisor/vcpu/state.h"

namespace cumulet::hypervisor {

// The C library's copy of <linux/kvm.h> wraps such arrays in a structure with an empty member. That member
// has size 0 in C and 1 in C++, so in C++ the sizes are wrong, and with them the request numbers, which
// contain the size.

// struct kvm_cpuid2 with room for `Count` entries.
template <size_t Count>
struct KvmCpuid {
  uint32_t count = 0;
  uint32_t padding = 0;
  std::array<kvm_cpuid_entry2, Count> entries{};
};

// struct kvm_msrs with room for `Count` entries.
template <size_t Count>
struct KvmMsrs {
  uint32_t count = 0;
  uint32_t padding = 0;
  std::array<kvm_msr_entry, Count> entries{};
};

inline constexpr uint32_t kKvmHeaderSize = 8;  // of both, without entries

inline constexpr unsigned long kKvmGetSupportedCpuid =
    _IOC(_IOC_READ | _IOC_WRITE, KVMIO, 0x05, kKvmHeaderSize);
inline constexpr unsigned long kKvmSetCpuid2 = _IOC(_IOC_WRITE, KVMIO, 0x90, kKvmHeaderSize);
inline constexpr unsigned long kKvmGetMsrs = _IOC(_IOC_READ | _IOC_WRITE, KVMIO, 0x88, kKvmHeaderSize);
inline constexpr unsigned long kKvmSetMsrs = _IOC(_IOC_WRITE, KVMIO, 0x89, kKvmHeaderSize);
inline constexpr unsigned long kKvmGetXsave = _IOC(_IOC_READ, KVMIO, 0xa4, kXsaveAreaSize);
inline constexpr unsigned long kKvmSetXsave = _IOC(_IOC_WRITE, KVMIO, 0xa5, kXsaveAreaSize);

}  // namespace cumulet::hypervisor
