// `cumulet completion`: scripts that teach shells the commands and options.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "base/result.h"

namespace cumulet::command {

// Returns the script for "bash", "zsh" or "fish", made from the commands that `application` has.
// kInvalidArgument for another shell.
[[nodiscard]] Result<std::string> completion_script(const CLI::App& application, const std::string& shell);

}  // namespace cumulet::command
