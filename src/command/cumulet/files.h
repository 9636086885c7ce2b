// Small files, read whole and written so that a crash leaves the old or the new one.
#pragma once

#include <string>

#include "base/result.h"

namespace cumulet::command {

// Returns the file's bytes. Errors: kNotFound, kIo, kCorrupt (over 1 MiB).
[[nodiscard]] Result<std::string> read_small_file(const std::string& path);

// Replaces the file in one step and durably; it is readable by its owner only. kIo.
[[nodiscard]] Result<> replace_file(const std::string& path, const std::string& text);

}  // namespace cumulet::command
