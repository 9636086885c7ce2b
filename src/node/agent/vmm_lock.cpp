// The lock file of an instance's VMM.
#include "node/agent/vmm_lock.h"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <string_view>
#include <sys/file.h>
#include <unistd.h>

namespace cumulet::node {

namespace {

Result<UniqueFd> open_lock(const std::string& path, int flags) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (fd.valid()) return fd;
  if (errno == ENOENT) return fail(ErrorCode::kNotFound, "no lock file", path);
  return fail(errno_error("open " + path, errno));
}

// "<launch> <process id>\n"
std::optional<VmmIdentity> parse_identity(std::string_view text) {
  if (!text.ends_with('\n')) return std::nullopt;
  VmmIdentity identity;
  const char* end = text.data() + text.size() - 1;
  const auto launch = std::from_chars(text.data(), end, identity.launch);
  if (launch.ec != std::errc() || launch.ptr == end || *launch.ptr != ' ') return std::nullopt;
  const auto process = std::from_chars(launch.ptr + 1, end, identity.process_id);
  if (process.ec != std::errc() || process.ptr != end || identity.process_id <= 0) return std::nullopt;
  return identity;
}

}  // namespace

Result<std::optional<VmmLock>> VmmLock::take(const std::string& path, bool create) {
  UniqueFd fd = TRY(open_lock(path, O_RDWR | (create ? O_CREAT : 0)));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return VmmLock(std::move(fd));
  if (errno == EWOULDBLOCK) return std::nullopt;
  return fail(errno_error("lock " + path, errno));
}

Result<std::optional<VmmIdentity>> VmmLock::read(const std::string& path) {
  const UniqueFd fd = TRY(open_lock(path, O_RDONLY));
  char text[64];
  const ssize_t size = pread(fd.get(), text, sizeof(text), 0);
  if (size < 0) return fail(errno_error("read " + path, errno));
  return parse_identity({text, static_cast<size_t>(size)});
}

Result<> VmmLock::clear() {
  if (ftruncate(fd_.get(), 0) != 0) return fail(errno_error("empty a lock file", errno));
  return {};
}

}  // namespace cumulet::node
