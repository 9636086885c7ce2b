// Finding and running recipes.
#include "control/image/recipe.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cumulet::control {
namespace {

namespace fs = std::filesystem;

constexpr int kExitedBySignalBase = 128;

// Runs a program found in PATH with this process's stdout and stderr; returns its exit status, or 128 plus
// the signal that ended it. kUnavailable if it cannot be started.
Result<int> run(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int failure = ::posix_spawnp(&pid, argv[0], nullptr, nullptr, argv.data(), environ);
  if (failure != 0) {
    Error error = errno_error("run " + arguments.front(), failure);
    error.code = ErrorCode::kUnavailable;
    return fail(std::move(error));
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return fail(errno_error("wait for " + arguments.front(), errno));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kExitedBySignalBase + WTERMSIG(status);
}

}  // namespace

Result<fs::path> find_recipes() {
  std::error_code error;
  if (const char* folder = std::getenv("CUMULET_IMAGES"); folder != nullptr && *folder != '\0') {
    if (!fs::is_directory(folder, error)) {
      return fail(ErrorCode::kNotFound, "CUMULET_IMAGES names no folder: " + std::string(folder));
    }
    return fs::path(folder);
  }
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path folder = program.parent_path().parent_path() / "share/cumulet/images";
  if (!fs::is_directory(folder, error)) {
    return fail(ErrorCode::kNotFound,
                "no image recipes in " + folder.string() + "; set CUMULET_IMAGES to their folder");
  }
  return folder;
}

std::vector<std::string> list_recipes(const fs::path& recipes) {
  std::vector<std::string> names;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(recipes, error)) {
    if (fs::exists(entry.path() / "recipe.json", error)) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<> run_recipe(const fs::path& recipes, const std::string& name, const fs::path& output) {
  const std::vector<std::string> known = list_recipes(recipes);
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    std::string all;
    for (const std::string& one : known) all += (all.empty() ? "" : ", ") + one;
    return fail(ErrorCode::kNotFound, "no image recipe \"" + name + "\"; there are: " + all);
  }
  // -B: the recipes' folder may be read-only, or a checkout that should stay clean.
  const int status = TRY(run(
      {"python3", "-B", (recipes / "build_image.py").string(), (recipes / name).string(), output.string()}));
  if (status != 0) {
    return fail(ErrorCode::kUnavailable, "the image recipe " + name + " failed with status " +
                                             std::to_string(status) + "; its last message says why");
  }
  return {};
}

}  // namespace cumulet::control
