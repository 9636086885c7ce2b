// Starting a VMM process.
#include "node/agent/spawn.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <signal.h>
#include <string_view>
#include <unistd.h>

#include "base/check.h"

namespace cumulet::node {

namespace {

constexpr int kLockFd = 3;  // where the VMM has its lock; it need not know

// Between fork() and exec() of a process with threads only async-signal-safe calls are allowed
// (signal-safety(7)): no allocation, no stdio. So decimal numbers are written by hand.
size_t append_decimal(char* buffer, size_t at, uint64_t number) {
  char digits[20];
  size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  while (count > 0) buffer[at++] = digits[--count];
  return at;
}

void complain(std::string_view text) {
  const ssize_t ignored = write(STDERR_FILENO, text.data(), text.size());
  (void)ignored;
}

[[noreturn]] void run_child(char* const* arguments, int null_fd, int log_fd, int lock_fd, uint64_t launch) {
  setsid();
  dup2(null_fd, STDIN_FILENO);
  dup2(log_fd, STDOUT_FILENO);
  dup2(log_fd, STDERR_FILENO);
  // dup2 onto itself would leave close-on-exec set.
  if (lock_fd == kLockFd ? fcntl(lock_fd, F_SETFD, 0) < 0 : dup2(lock_fd, kLockFd) < 0) _exit(126);
  // Nothing else of this process may live on in the VMM, least of all the API's listening socket.
  if (close_range(kLockFd + 1, ~0U, 0) != 0) _exit(126);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGCHLD, SIGINT, SIGHUP, SIGTERM}) signal(number, SIG_DFL);

  char identity[48];
  size_t size = append_decimal(identity, 0, launch);
  identity[size++] = ' ';
  size = append_decimal(identity, size, static_cast<uint64_t>(getpid()));
  identity[size++] = '\n';
  if (pwrite(kLockFd, identity, size, 0) != static_cast<ssize_t>(size)) {
    complain("cannot write the lock file\n");
    _exit(126);
  }
  execv(arguments[0], arguments);
  complain("cannot execute the VMM program\n");
  _exit(127);
}

}  // namespace

Result<pid_t> spawn_vmm(const std::vector<std::string>& arguments, const std::string& log_file, VmmLock lock,
                        uint64_t launch) {
  CHECK(!arguments.empty());
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null.valid()) return fail(errno_error("open /dev/null", errno));
  const UniqueFd log(::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log.valid()) return fail(errno_error("open " + log_file, errno));
  std::vector<std::string> copies = arguments;  // exec takes pointers to mutable text
  std::vector<char*> pointers;
  for (std::string& copy : copies) pointers.push_back(copy.data());
  pointers.push_back(nullptr);

  const pid_t child = fork();
  if (child == 0) run_child(pointers.data(), null.get(), log.get(), lock.fd(), launch);
  if (child > 0) return child;
  Error error = errno_error("start a process", errno);
  if (errno == EAGAIN || errno == ENOMEM) error.code = ErrorCode::kResourceExhausted;
  return fail(std::move(error));
}

}  // namespace cumulet::node
