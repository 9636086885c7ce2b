// The daemon: a LocalCloud with the API in front of it, until a signal ends it.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "command/cumulet/local_cloud.h"

namespace cumulet::command {

struct DaemonOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 4566;
  LocalCloudOptions cloud = {};
};

// Parses "127.0.0.1:4566", "[::1]:4566" or ":4566" into address and port. kInvalidArgument.
[[nodiscard]] Result<> parse_listen(const std::string& text, DaemonOptions& options);

// Returns the cumulet-vmm beside the running program. kNotFound if it is not there.
[[nodiscard]] Result<std::string> find_vmm_program();

// Serves until SIGTERM or SIGINT. Instances go on running afterwards; the next daemon adopts them. Errors:
// kAlreadyExists (another daemon has the state folder), those of the store, kIo (the address is in use).
[[nodiscard]] Result<> run_daemon(const StateFolder& folder, const Settings& settings,
                                  const DaemonOptions& options);

}  // namespace cumulet::command
