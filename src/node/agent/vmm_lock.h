// VmmLock: the locked file that says whether an instance's VMM is alive, which launch it is, and its process
// id.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace cumulet::node {

// Who was started under a lock.
struct VmmIdentity {
  uint64_t launch = 0;
  pid_t process_id = 0;
};

// Problem: after any crash an agent must know which VMMs live, and must never start a second one. The agent
// takes a flock(2) and the VMM inherits the open file: the lock is held exactly until the VMM is gone,
// however it ends, and no instant lies between an agent's check and the VMM's life. The text "<launch>
// <process id>" in the file is true while the lock is held; afterwards it tells which launch it was.
class VmmLock {
 public:
  // Takes the lock, or returns none if a VMM holds it. Makes the file if `create`; else kNotFound without
  // one.
  [[nodiscard]] static Result<std::optional<VmmLock>> take(const std::string& path, bool create);

  // Reads what the file says; none if it is empty or unfinished.
  [[nodiscard]] static Result<std::optional<VmmIdentity>> read(const std::string& path);

  // Makes the file empty: nobody was started under it yet.
  [[nodiscard]] Result<> clear();

  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit VmmLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace cumulet::node
