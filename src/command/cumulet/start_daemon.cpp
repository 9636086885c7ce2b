// `cumulet up` in the background.
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "base/unique_fd.h"
#include "command/cumulet/daemon_lock.h"
#include "command/cumulet/lifecycle.h"
#include "command/cumulet/progress.h"

namespace cumulet::command {

namespace {

constexpr std::chrono::seconds kStartLimit(60);
constexpr std::chrono::milliseconds kPause(25);
constexpr off_t kLogLimit = 16 << 20;  // a longer log of earlier daemons is put aside

void print_running(const Endpoint& endpoint) {
  fmt::print("Cumulet runs at {} (process {})\n", endpoint.url(), endpoint.process_id);
}

Result<UniqueFd> open_log(const StateFolder& folder) {
  const std::string path = folder.log();
  struct stat info {};
  if (stat(path.c_str(), &info) == 0 && info.st_size > kLogLimit)
    (void)rename(path.c_str(), (path + ".old").c_str());
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd.valid()) return fail(errno_error("open " + path, errno));
  return fd;
}

// Returns the last line that was written after `start`.
std::string last_words(int log, off_t start) {
  struct stat info {};
  if (fstat(log, &info) != 0 || info.st_size <= start) return {};
  std::string text(static_cast<size_t>(std::min<off_t>(info.st_size - start, 4096)), '\0');
  const ssize_t got = pread(log, text.data(), text.size(), info.st_size - static_cast<off_t>(text.size()));
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::string line = text.substr(text.rfind('\n') + 1);  // all of it if there is no newline
  constexpr std::string_view kName = "cumulet: ";
  return line.starts_with(kName) ? line.substr(kName.size()) : line;
}

// Runs this program anew, detached from the terminal.
Result<pid_t> spawn(std::vector<std::string> arguments, int log) {
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null.valid()) return fail(errno_error("open /dev/null", errno));
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const pid_t child = fork();
  if (child < 0) return fail(errno_error("start the daemon", errno));
  if (child > 0) return child;
  setsid();
  dup2(null.get(), STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  close_range(STDERR_FILENO + 1, ~0U, 0);
  execv(pointers[0], pointers.data());
  _exit(127);
}

Result<Endpoint> wait_for_answer(const StateFolder& folder, pid_t child, int log, off_t log_start) {
  const auto deadline = std::chrono::steady_clock::now() + kStartLimit;
  Progress progress;
  bool child_ended = false;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto endpoint = TRY(find_endpoint(folder));
    if (endpoint && (endpoint->process_id == child || child_ended)) return *endpoint;
    child_ended = child_ended || waitpid(child, nullptr, WNOHANG) == child;
    // Another `up` at the same time may have been faster: then its daemon is the one.
    if (child_ended && !TRY(find_daemon(folder))) {
      const std::string words = last_words(log, log_start);
      return fail(ErrorCode::kUnavailable,
                  words.empty() ? "the daemon ended at once; see " + folder.log() : words);
    }
    progress.tell("waiting for the daemon to answer");
    std::this_thread::sleep_for(kPause);
  }
  if (!child_ended) kill(child, SIGTERM);
  return fail(ErrorCode::kTimedOut, "the daemon did not answer; see " + folder.log());
}

}  // namespace

Result<> start_daemon(const StateFolder& folder, const std::vector<std::string>& arguments) {
  if (const auto endpoint = TRY(find_endpoint(folder))) {
    print_running(*endpoint);
    return {};
  }
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail(ErrorCode::kIo, "cannot find the running program", error.message());
  std::vector<std::string> command{self, "--state-dir", folder.path, "up", "--foreground"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const UniqueFd log = TRY(open_log(folder));
  const off_t log_start = lseek(log.get(), 0, SEEK_END);
  const pid_t child = TRY(spawn(std::move(command), log.get()));
  print_running(TRY(wait_for_answer(folder, child, log.get(), log_start)));
  return {};
}

}  // namespace cumulet::command
