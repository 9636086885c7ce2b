// UnixAddress: the address of a Unix socket at a path of any length.
#pragma once

#include <string>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace cumulet::node {

// sockaddr_un holds 107 bytes of path; a longer one is reached through /proc/self/fd of its folder, which
// stays open for the object's life.
class UnixAddress {
 public:
  // Errors: kInvalidArgument (the last part alone is too long), kUnavailable (no such folder).
  static Result<UnixAddress> create(const std::string& path);

  [[nodiscard]] const sockaddr* get() const {
    return static_cast<const sockaddr*>(static_cast<const void*>(&address_));
  }
  [[nodiscard]] static socklen_t size() { return sizeof(sockaddr_un); }

 private:
  sockaddr_un address_{};
  UniqueFd folder_;
};

}  // namespace cumulet::node
