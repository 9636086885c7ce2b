// VMM processes of this machine.
#include "node/agent/local_vmm_processes.h"

#include <cerrno>
#include <csignal>
#include <fstream>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#include "node/agent/spawn.h"
#include "node/agent/vmm_lock.h"
#include "node/protocol/vmm_control.h"

namespace cumulet::node {

using control::InstanceId;

namespace {

constexpr int kAnswerMs = 2'000;  // a VMM that takes longer is taken for one that does not answer

Error file_error(std::string_view what, const std::filesystem::path& path, const std::error_code& error) {
  return {ErrorCode::kIo, "cannot " + std::string(what) + " " + path.string(), error.message()};
}

Result<> make_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail(file_error("make", path, error));
  return {};
}

Result<> remove_file(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::remove(path, error);
  if (error) return fail(file_error("remove", path, error));
  return {};
}

Result<> write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text << std::flush;
  if (!file) return fail(ErrorCode::kIo, "cannot write " + path);
  return {};
}

}  // namespace

// A child that nobody waited for stays in the process table.
void LocalVmmProcesses::reap() {
  const std::lock_guard lock(mutex_);
  std::erase_if(children_, [](pid_t child) {
    const pid_t waited = waitpid(child, nullptr, WNOHANG);
    return waited == child || (waited < 0 && errno == ECHILD);
  });
}

Result<VmmSight> LocalVmmProcesses::look(const InstanceId& id) {
  reap();
  const InstanceFolder files = folder(id);
  Result<std::optional<VmmLock>> lock = VmmLock::take(files.lock(), false);
  if (!lock) {
    if (lock.error().code == ErrorCode::kNotFound) return VmmSight{};
    return fail(std::move(lock).error());
  }
  const std::optional<VmmIdentity> identity = TRY(VmmLock::read(files.lock()));
  if (!*lock) return VmmSight{VmmPresence::kAlive, identity ? identity->launch : 0, {}};
  if (!identity) return VmmSight{};
  VmmSight sight{VmmPresence::kEnded, identity->launch, {}};
  Result<VmmExit> exit = read_vmm_exit(files.exit_record(identity->launch));
  if (exit)
    sight.exit = std::move(*exit);
  else if (exit.error().code != ErrorCode::kNotFound)
    sight.exit = VmmExit{VmmExitReason::kFailure, 0, exit.error().message};
  return sight;
}

Result<> LocalVmmProcesses::start(const InstanceId& id, uint64_t launch, VmmConfig config) {
  const InstanceFolder files = folder(id);
  TRY_VOID(make_folder(files.folder));
  TRY_VOID(make_folder(state_folder_ / "run" / host_.str()));
  std::optional<VmmLock> lock = TRY(VmmLock::take(files.lock(), true));
  if (!lock) return fail(ErrorCode::kAlreadyExists, "the instance has a VMM already", id.str());
  // An earlier launch's record is of no use any more.
  if (const auto earlier = TRY(VmmLock::read(files.lock())))
    TRY_VOID(remove_file(files.exit_record(earlier->launch)));
  TRY_VOID(lock->clear());
  TRY_VOID(remove_file(files.exit_record(launch)));
  TRY_VOID(remove_file(files.control_socket));
  config.instance_id = id.str();
  config.console_file = files.console();
  config.control_socket = files.control_socket;
  config.exit_file = files.exit_record(launch);
  config.lock_file.clear();  // it inherits the lock
  TRY_VOID(write_file(files.config(), encode_vmm_config(config)));
  const pid_t child =
      TRY(spawn_vmm({program_, "--config", files.config()}, files.log(), std::move(*lock), launch));
  const std::lock_guard guard(mutex_);
  children_.insert(child);
  return {};
}

bool LocalVmmProcesses::is_guest_running(const InstanceId& id) {
  const auto status = call_vmm(folder(id).control_socket, VmmRequest::kStatus, kAnswerMs);
  return status && status->instance_id == id.str() && status->state == "running";
}

Result<> LocalVmmProcesses::press_power_button(const InstanceId& id) {
  TRY(call_vmm(folder(id).control_socket, VmmRequest::kPressPowerButton, kAnswerMs));
  return {};
}

Result<> LocalVmmProcesses::reset(const InstanceId& id) {
  TRY(call_vmm(folder(id).control_socket, VmmRequest::kReset, kAnswerMs));
  return {};
}

Result<> LocalVmmProcesses::kill(const InstanceId& id) {
  const std::string path = folder(id).lock();
  const auto identity = TRY(VmmLock::read(path));
  if (!identity) return fail(ErrorCode::kUnavailable, "the VMM's process is not known yet", id.str());
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, identity->process_id, 0)));
  if (!process.valid() && errno != ESRCH) return fail(errno_error("open the VMM's process", errno));
  // The lock is still held, so the number was the VMM's when the descriptor was made: it cannot be another's.
  if (TRY(VmmLock::take(path, false))) return {};
  if (!process.valid()) return fail(ErrorCode::kUnavailable, "the VMM's process is not known yet", id.str());
  if (syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) != 0 && errno != ESRCH)
    return fail(errno_error("kill the VMM", errno));
  return {};
}

Result<> LocalVmmProcesses::remove(const InstanceId& id) {
  const InstanceFolder files = folder(id);
  TRY_VOID(remove_file(files.control_socket));
  std::error_code error;
  std::filesystem::directory_iterator entries(files.folder, error);
  if (error == std::errc::no_such_file_or_directory) return {};
  if (error) return fail(file_error("read", files.folder, error));
  std::vector<std::filesystem::path> doomed;
  for (const auto& entry : entries)
    if (entry.path() != files.console()) doomed.push_back(entry.path());
  for (const auto& path : doomed) TRY_VOID(remove_file(path));
  return {};
}

Result<> LocalVmmProcesses::remove_all(const InstanceId& id) {
  TRY_VOID(remove(id));
  std::error_code error;
  std::filesystem::remove_all(folder(id).folder, error);
  if (error) return fail(file_error("remove", folder(id).folder, error));
  return {};
}

Result<std::vector<InstanceId>> LocalVmmProcesses::list() {
  std::vector<InstanceId> ids;
  const std::filesystem::path host = state_folder_ / "hosts" / host_.str();
  std::error_code error;
  std::filesystem::directory_iterator entries(host, error);
  if (error == std::errc::no_such_file_or_directory) return ids;
  if (error) return fail(file_error("read", host, error));
  for (const auto& entry : entries)
    if (InstanceId id(entry.path().filename().string()); control::is_well_formed(id))
      ids.push_back(std::move(id));
  return ids;
}

uint64_t LocalVmmProcesses::resident_mib() {
  const Result<std::vector<InstanceId>> ids = list();
  if (!ids) return 0;
  uint64_t pages = 0;
  for (const InstanceId& id : *ids) {
    const auto identity = VmmLock::read(folder(id).lock());
    if (!identity || !*identity) continue;
    // /proc/<pid>/statm: total and resident size in pages (proc(5)).
    std::ifstream file("/proc/" + std::to_string((*identity)->process_id) + "/statm");
    uint64_t total = 0;
    uint64_t resident = 0;
    if (!(file >> total >> resident)) continue;
    // A dead VMM's number may be another process by now.
    const auto lock = VmmLock::take(folder(id).lock(), false);
    if (lock && !*lock) pages += resident;
  }
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) >> 20;
}

}  // namespace cumulet::node
