// The command line of `cumulet`: its commands, their options, and what runs for each.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

namespace cumulet::command {

// Exit statuses of the program, beside those of `vm run` and of the AWS CLI.
inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;     // with one line on stderr that says why
inline constexpr int kUsage = 2;       // the command line makes no sense
inline constexpr int kNotRunning = 3;  // `status` without a daemon

// Everything that the command line can set.
struct Arguments;

struct Application {
  Application();
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  // Parses and runs the command line; returns the exit status.
  [[nodiscard]] int run(int argc, const char* const* argv);

  std::unique_ptr<Arguments> arguments;
  CLI::App app;
};

}  // namespace cumulet::command
