// `cumulet env` and `cumulet aws`: AWS clients pointed at this cloud.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "command/cumulet/state_folder.h"

namespace cumulet::command {

// Returns the environment variables by which AWS's clients find the cloud and sign for it. kUnavailable if it
// does not run.
[[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> client_environment(
    const StateFolder& folder);

// Prints them as lines that a POSIX shell evaluates.
[[nodiscard]] Result<> print_environment(const StateFolder& folder);

// Becomes the stock AWS CLI with these arguments; returns only with an error. kUnavailable (the cloud does
// not run), kNotFound (no AWS CLI is installed).
[[nodiscard]] Error exec_aws(const StateFolder& folder, const std::vector<std::string>& arguments);

}  // namespace cumulet::command
