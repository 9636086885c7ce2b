// Finding and making the state folder.
#include "command/cumulet/state_folder.h"

#include <cerrno>
#include <cstdlib>
#include <sys/stat.h>
#include <system_error>

#include "node/agent/instance_folder.h"

namespace cumulet::command {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Result<StateFolder> find_state_folder(const std::string& option) {
  std::filesystem::path path = option.empty() ? environment("CUMULET_HOME") : option;
  if (path.empty()) {
    // XDG Base Directory Specification: relative paths there are to be ignored.
    const std::filesystem::path state = environment("XDG_STATE_HOME");
    const std::string home = environment("HOME");
    if (state.is_absolute())
      path = state / "cumulet";
    else if (!home.empty())
      path = std::filesystem::path(home) / ".local/state/cumulet";
    else
      return fail(ErrorCode::kInvalidArgument, "no home folder: say where to keep state with --state-dir");
  }
  std::error_code error;
  path = std::filesystem::absolute(path, error).lexically_normal();
  if (error) return fail(ErrorCode::kIo, "cannot find the state folder", error.message());
  if (!path.has_filename()) path = path.parent_path();  // a slash at the end
  if (path.native().size() > node::kMaximumStateFolderLength)
    return fail(ErrorCode::kInvalidArgument,
                "the state folder's path is longer than " + std::to_string(node::kMaximumStateFolderLength) +
                    " characters, too long for the sockets in it: " + path.native());
  return StateFolder{path};
}

Result<> make_state_folder(const StateFolder& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder.path.parent_path(), error);
  if (error)
    return fail(ErrorCode::kIo, "cannot make " + folder.path.parent_path().native(), error.message());
  if (mkdir(folder.path.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(errno_error("make the state folder " + folder.path.native(), errno));
  if (!std::filesystem::is_directory(folder.path, error))
    return fail(ErrorCode::kIo, folder.path.native() + " is not a folder");
  return {};
}

}  // namespace cumulet::command
