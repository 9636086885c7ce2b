// Long socket paths by way of /proc/self/fd.
#include "node/protocol/unix_address.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>

namespace cumulet::node {

Result<UnixAddress> UnixAddress::create(const std::string& path) {
  UnixAddress result;
  result.address_.sun_family = AF_UNIX;
  std::string usable = path;
  if (usable.size() >= sizeof(result.address_.sun_path)) {
    size_t slash = path.rfind('/');
    std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    result.folder_ = UniqueFd(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!result.folder_.valid()) {
      Error error = errno_error("reach the folder of the control socket " + path, errno);
      error.code = ErrorCode::kUnavailable;
      return fail(std::move(error));
    }
    usable = "/proc/self/fd/" + std::to_string(result.folder_.get()) + "/" + path.substr(slash + 1);
  }
  if (usable.size() >= sizeof(result.address_.sun_path))
    return fail(ErrorCode::kInvalidArgument, "the control socket's name is too long", path);
  std::memcpy(result.address_.sun_path, usable.c_str(), usable.size() + 1);
  return result;
}

}  // namespace cumulet::node
