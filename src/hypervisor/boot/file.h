// Reading of kernel and initrd files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "hypervisor/boot/boot_bytes.h"

namespace cumulet::hypervisor {

inline constexpr uint64_t kMaximumBootFileSize = uint64_t{2} << 30;  // bytes

// Reads a whole regular file; `what` ("kernel") is for messages. Errors: kNotFound, kInvalidArgument (not a
// regular file, or too large), kPermissionDenied, kIo.
Result<BootBytes> read_boot_file(const std::string& path, std::string_view what);

}  // namespace cumulet::hypervisor
