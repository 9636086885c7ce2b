// Reading and replacing small files.
#include "command/cumulet/files.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace cumulet::command {

namespace {

constexpr size_t kMaximumSize = 1 << 20;

Result<> write_all(int fd, const std::string& text, const std::string& path) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t wrote = write(fd, text.data() + done, text.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return fail(errno_error("write " + path, errno));
    done += static_cast<size_t>(wrote);
  }
  if (fsync(fd) != 0) return fail(errno_error("write " + path, errno));
  return {};
}

}  // namespace

Result<std::string> read_small_file(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT) return fail(ErrorCode::kNotFound, "there is no file " + path);
    return fail(errno_error("open " + path, errno));
  }
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t got = read(fd.get(), buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error("read " + path, errno));
    if (got == 0) return text;
    text.append(buffer, static_cast<size_t>(got));
    if (text.size() > kMaximumSize) return fail(ErrorCode::kCorrupt, path + " is too large");
  }
}

Result<> replace_file(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".new." + std::to_string(getpid());
  UniqueFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd.valid()) return fail(errno_error("make " + temporary, errno));
  if (Result<> written = write_all(fd.get(), text, temporary); !written) {
    unlink(temporary.c_str());
    return written;
  }
  fd.reset();
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    const int number = errno;
    unlink(temporary.c_str());
    return fail(errno_error("replace " + path, number));
  }
  return {};
}

}  // namespace cumulet::command
