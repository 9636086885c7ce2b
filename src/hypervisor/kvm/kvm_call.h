// KVM's ioctls with the project's errors: one place that turns errno into a Result.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace cumulet::hypervisor {

// Issues ioctl(fd, request, argument), again when a signal interrupts it. `what` completes "cannot ...".
// Returns the ioctl's non-negative answer. Errors: kInvalidArgument (EINVAL), kResourceExhausted (ENOMEM,
// EMFILE, ENFILE, ENOSPC), kPermissionDenied (EACCES, EPERM), else kIo. Never use it for KVM_RUN, whose EINTR
// has a meaning.
Result<int> kvm_call(int fd, unsigned long request, uintptr_t argument, std::string_view what);

// The same for an ioctl that takes a pointer to a structure.
template <typename T>
Result<int> kvm_call(int fd, unsigned long request, T* argument, std::string_view what);

// Whether the capability (KVM_CAP_...) exists, and its number where it carries one; 0 means no.
int kvm_capability(int fd, int capability);

}  // namespace cumulet::hypervisor

// An ioctl's argument is an address in an integer; this is the one conversion.
template <typename T>
cumulet::Result<int> cumulet::hypervisor::kvm_call(int fd, unsigned long request, T* argument,
                                                   std::string_view what) {
  return kvm_call(fd, request, std::bit_cast<uintptr_t>(argument), what);
}
