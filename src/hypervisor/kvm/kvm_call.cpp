// The ioctl and its errors.
#include "hypervisor/kvm/kvm_call.h"

#include <cerrno>
#include <linux/kvm.h>
#include <sys/ioctl.h>

namespace cumulet::hypervisor {

namespace {
ErrorCode code_of(int error_number) {
  switch (error_number) {
    case EINVAL: return ErrorCode::kInvalidArgument;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ENOSPC: return ErrorCode::kResourceExhausted;
    case EACCES:
    case EPERM: return ErrorCode::kPermissionDenied;
    default: return ErrorCode::kIo;
  }
}
}  // namespace

Result<int> kvm_call(int fd, unsigned long request, uintptr_t argument, std::string_view what) {
  while (true) {
    int answer = ioctl(fd, request, argument);
    if (answer >= 0) return answer;
    if (errno == EINTR) continue;
    Error error = errno_error(what, errno);
    error.code = code_of(errno);
    return fail(std::move(error));
  }
}

int kvm_capability(int fd, int capability) {
  int answer = ioctl(fd, KVM_CHECK_EXTENSION, capability);
  return answer < 0 ? 0 : answer;
}

}  // namespace cumulet::hypervisor
