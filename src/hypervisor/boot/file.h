// Reading of whole kernel and configuration files.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "hypervisor/boot/boot_bytes.h"
#include "hypervisor/boot/boot_source.h"

namespace cumulet::hypervisor {

// All bytes of a source. Errors as of BootSource::read().
Result<BootBytes> read_all(const BootSource& source);

// Reads a whole regular file; `what` ("kernel") is for messages. Errors as of FileSource.
Result<BootBytes> read_boot_file(const std::string& path, std::string_view what);

}  // namespace cumulet::hypervisor
