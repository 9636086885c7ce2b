// The lock and the endpoint file of a daemon.
#include "command/cumulet/daemon_lock.h"

#include <boost/json.hpp>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

#include "command/cumulet/files.h"
#include "node/protocol/json_fields.h"

namespace cumulet::command {

namespace {
constexpr int kLockAttempts = 20;
constexpr std::chrono::milliseconds kLockPause(25);
}  // namespace

Result<DaemonLock> DaemonLock::take(const StateFolder& folder) {
  const std::string path = folder.lock();
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return fail(errno_error("open " + path, errno));
  // A command that looks for the daemon holds the lock for an instant (find_daemon()); a daemon holds it for
  // long.
  for (int attempt = 0; flock(fd.get(), LOCK_EX | LOCK_NB) != 0; ++attempt) {
    if (errno != EWOULDBLOCK) return fail(errno_error("lock " + path, errno));
    if (attempt == kLockAttempts)
      return fail(ErrorCode::kAlreadyExists, "another daemon uses the state folder " + folder.path.native());
    std::this_thread::sleep_for(kLockPause);
  }
  const std::string text = std::to_string(getpid()) + "\n";
  if (ftruncate(fd.get(), 0) != 0 ||
      pwrite(fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return fail(errno_error("write " + path, errno));
  return DaemonLock(std::move(fd));
}

Result<std::optional<pid_t>> find_daemon(const StateFolder& folder) {
  const std::string path = folder.lock();
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return fail(errno_error("open " + path, errno));
  }
  // Shared: several commands may ask at once. The lock is gone again with the descriptor.
  if (flock(fd.get(), LOCK_SH | LOCK_NB) == 0) return std::nullopt;
  if (errno != EWOULDBLOCK) return fail(errno_error("lock " + path, errno));
  char text[32] = {};
  if (pread(fd.get(), text, sizeof(text) - 1, 0) < 0) return fail(errno_error("read " + path, errno));
  return static_cast<pid_t>(std::strtol(text, nullptr, 10));
}

std::string Endpoint::url() const {
  const bool is_ipv6 = address.find(':') != std::string::npos;
  return "http://" + (is_ipv6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

Result<> publish_endpoint(const StateFolder& folder, const Endpoint& endpoint) {
  return replace_file(
      folder.endpoint(),
      boost::json::serialize(boost::json::object{
          {"process_id", endpoint.process_id}, {"address", endpoint.address}, {"port", endpoint.port}}) +
          "\n");
}

Result<std::optional<Endpoint>> find_endpoint(const StateFolder& folder) {
  const std::optional<pid_t> daemon = TRY(find_daemon(folder));
  if (!daemon) return std::nullopt;
  const Result<std::string> text = read_small_file(folder.endpoint());
  if (!text) {
    if (text.error().code == ErrorCode::kNotFound) return std::nullopt;
    return fail(text.error());
  }
  node::JsonFields fields = TRY(node::JsonFields::parse(*text, folder.endpoint()));
  Endpoint endpoint;
  endpoint.process_id = static_cast<pid_t>(TRY(fields.number("process_id", 0, INT32_MAX)));
  endpoint.address = TRY(fields.string("address"));
  endpoint.port = static_cast<uint16_t>(TRY(fields.number("port", 1, UINT16_MAX)));
  // An earlier daemon's file says nothing about this one.
  if (endpoint.process_id != *daemon) return std::nullopt;
  return endpoint;
}

Result<Endpoint> need_endpoint(const StateFolder& folder) {
  const auto endpoint = TRY(find_endpoint(folder));
  if (endpoint) return *endpoint;
  return fail(ErrorCode::kUnavailable,
              "no cloud runs in " + folder.path.native() + "; start it with: cumulet up");
}

}  // namespace cumulet::command
