// `cumulet down`.
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include "base/unique_fd.h"
#include "command/cumulet/daemon_lock.h"
#include "command/cumulet/drain.h"
#include "command/cumulet/lifecycle.h"
#include "command/cumulet/progress.h"
#include "store/embedded/sqlite_kv.h"

namespace cumulet::command {

namespace {

constexpr std::chrono::seconds kEndLimit(30);
constexpr std::chrono::milliseconds kPause(25);

Result<> send_signal(const UniqueFd& process, int number) {
  if (syscall(SYS_pidfd_send_signal, process.get(), number, nullptr, 0) == 0 || errno == ESRCH) return {};
  return fail(errno_error("signal the daemon", errno));
}

// Ends the daemon and waits until its lock is free.
Result<> end_daemon(const StateFolder& folder, pid_t daemon) {
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, daemon, 0)));
  // While the lock is held the number is the daemon's, and so the descriptor is.
  if (!TRY(find_daemon(folder))) return {};
  if (!process.valid()) return fail(errno_error("find the daemon's process", errno));
  TRY_VOID(send_signal(process, SIGTERM));
  const auto deadline = std::chrono::steady_clock::now() + kEndLimit;
  Progress progress;
  while (TRY(find_daemon(folder))) {
    if (std::chrono::steady_clock::now() > deadline) {
      fmt::print(stderr, "cumulet: the daemon does not end; killing it\n");
      return send_signal(process, SIGKILL);
    }
    progress.tell("waiting for the daemon to end");
    std::this_thread::sleep_for(kPause);
  }
  return {};
}

// Stops the instances that a dead daemon left running: for that moment this process is the daemon.
Result<> drain_without_daemon(const StateFolder& folder) {
  const DaemonLock lock = TRY(DaemonLock::take(folder));
  const Settings settings = TRY(load_settings(folder));
  LocalCloudOptions options;
  options.vmm_program = TRY(find_vmm_program());
  const std::unique_ptr<LocalCloud> cloud = TRY(LocalCloud::start(folder, settings, std::move(options)));
  return drain(cloud->kv());
}

}  // namespace

Result<> stop_daemon(const StateFolder& folder, bool keep_instances) {
  const std::optional<pid_t> daemon = TRY(find_daemon(folder));
  std::error_code error;
  if (!daemon && !std::filesystem::exists(folder.store(), error)) {
    fmt::print("Cumulet does not run\n");
    return {};
  }
  const std::unique_ptr<store::Kv> kv = TRY(store::SqliteKv::open(folder.store()));
  if (daemon) {
    if (!keep_instances) TRY_VOID(drain(*kv));
    TRY_VOID(end_daemon(folder, *daemon));
  }
  if (!keep_instances && TRY(needs_drain(*kv))) TRY_VOID(drain_without_daemon(folder));
  fmt::print("{}\n", daemon ? "Cumulet is down" : "Cumulet does not run");
  return {};
}

}  // namespace cumulet::command
