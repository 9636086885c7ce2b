// SHA-256 of files and texts, as lower-case hexadecimal digits.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cumulet::control {

// Returns the 64 digits of the file's digest; kIo if it cannot be read.
[[nodiscard]] Result<std::string> sha256_of_file(const std::filesystem::path& file);

// Returns the 64 digits of the text's digest.
[[nodiscard]] std::string sha256_of_text(std::string_view text);

}  // namespace cumulet::control
