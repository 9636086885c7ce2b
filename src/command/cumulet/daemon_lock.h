// DaemonLock: at most one daemon per state folder, who it is, and where it listens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "command/cumulet/state_folder.h"

namespace cumulet::command {

// Held as long as this process lives. The file's text, its process id, is true while the lock is held.
class DaemonLock {
 public:
  // kAlreadyExists if another process holds it, kIo.
  [[nodiscard]] static Result<DaemonLock> take(const StateFolder& folder);

 private:
  explicit DaemonLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

// Returns the daemon's process id, or none if there is no daemon. 0 in the moment before it has said so.
[[nodiscard]] Result<std::optional<pid_t>> find_daemon(const StateFolder& folder);

// Where a daemon answers.
struct Endpoint {
  pid_t process_id = 0;
  std::string address;
  uint16_t port = 0;
  [[nodiscard]] std::string url() const;
};

// Tells the other commands; the daemon calls it when it answers.
[[nodiscard]] Result<> publish_endpoint(const StateFolder& folder, const Endpoint& endpoint);

// Returns the running daemon's endpoint, or none if none runs or it does not answer yet.
[[nodiscard]] Result<std::optional<Endpoint>> find_endpoint(const StateFolder& folder);

// The same for commands that need a daemon: kUnavailable, with what to do, if there is none.
[[nodiscard]] Result<Endpoint> need_endpoint(const StateFolder& folder);

}  // namespace cumulet::command
