// Logging: spdlog, set up once per process by its main().
#pragma once

#include <spdlog/spdlog.h>
#include <string_view>

namespace cumulet {

// Sends the process's log to stderr as "time level [program] text". `level` is one of
// trace|debug|info|warning|error|critical|off; an unknown level means info.
void set_up_log(std::string_view program, std::string_view level = "info");

}  // namespace cumulet
