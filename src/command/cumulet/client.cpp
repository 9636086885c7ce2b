// Pointing AWS clients at the cloud.
#include "command/cumulet/client.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <unistd.h>

#include "command/cumulet/daemon_lock.h"
#include "command/cumulet/settings.h"

namespace cumulet::command {

namespace {

// Single quotes protect everything in a POSIX shell but themselves.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> client_environment(const StateFolder& folder) {
  const Endpoint endpoint = TRY(need_endpoint(folder));
  const Settings settings = TRY(load_settings(folder));
  return std::vector<std::pair<std::string, std::string>>{
      {"AWS_ENDPOINT_URL", endpoint.url()},
      {"AWS_REGION", settings.region},
      {"AWS_DEFAULT_REGION", settings.region},
      {"AWS_ACCESS_KEY_ID", settings.access_key_id},
      {"AWS_SECRET_ACCESS_KEY", settings.secret_access_key},
  };
}

Result<> print_environment(const StateFolder& folder) {
  const auto variables = TRY(client_environment(folder));
  for (const auto& [name, value] : variables) fmt::print("export {}={}\n", name, quoted(value));
  // These would come before the key, or go with it.
  fmt::print("unset AWS_PROFILE AWS_SESSION_TOKEN\n");
  return {};
}

Error exec_aws(const StateFolder& folder, const std::vector<std::string>& arguments) {
  const auto variables = client_environment(folder);
  if (!variables) return variables.error();
  for (const auto& [name, value] : *variables) setenv(name.c_str(), value.c_str(), 1);
  unsetenv("AWS_PROFILE");
  unsetenv("AWS_SESSION_TOKEN");
  // Versions of the AWS CLI before 2.13 ignore AWS_ENDPOINT_URL.
  std::vector<std::string> command{"aws", "--endpoint-url", variables->front().second};
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& argument : command) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  execvp(pointers[0], pointers.data());
  if (errno == ENOENT)
    return {ErrorCode::kNotFound, "the AWS CLI is not installed (Debian: apt-get install awscli)"};
  return errno_error("run the AWS CLI", errno);
}

}  // namespace cumulet::command
