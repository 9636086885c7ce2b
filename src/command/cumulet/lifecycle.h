// `cumulet up`, `down` and `status`: a cloud's daemon started, stopped and described.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "command/cumulet/daemon.h"
#include "command/cumulet/state_folder.h"

namespace cumulet::command {

// Starts a daemon in the background, as `cumulet --state-dir … up --foreground <arguments>`, waits until it
// answers, and prints where. One that runs already is left alone. kUnavailable, with the daemon's last words,
// if it ends instead; kTimedOut.
[[nodiscard]] Result<> start_daemon(const StateFolder& folder, const std::vector<std::string>& arguments);

// Stops the instances (unless `keep_instances`), then the daemon, and waits for both. Success if none runs.
[[nodiscard]] Result<> stop_daemon(const StateFolder& folder, bool keep_instances);

// Prints what runs. Returns false if no daemon does.
[[nodiscard]] Result<bool> print_status(const StateFolder& folder);

}  // namespace cumulet::command
