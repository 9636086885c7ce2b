// Reading of a whole file with bounds.
#include "hypervisor/boot/file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/unique_fd.h"

namespace cumulet::hypervisor {

namespace {

tl::unexpected<Error> open_error(const std::string& path, std::string_view what, int error_number) {
  Error error = errno_error("read the " + std::string(what) + " " + path, error_number);
  if (error_number == ENOENT || error_number == ENOTDIR) {
    error = {ErrorCode::kNotFound, "there is no " + std::string(what) + " at " + path};
  } else if (error_number == EACCES) {
    error.code = ErrorCode::kPermissionDenied;
  }
  return fail(std::move(error));
}

}  // namespace

Result<BootBytes> read_boot_file(const std::string& path, std::string_view what) {
  // O_NONBLOCK: opening a FIFO by mistake must not wait for a writer.
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return open_error(path, what, errno);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return open_error(path, what, errno);
  if (!S_ISREG(info.st_mode))
    return fail(ErrorCode::kInvalidArgument,
                "the " + std::string(what) + " " + path + " is not a regular file");
  auto size = static_cast<uint64_t>(info.st_size);
  if (size > kMaximumBootFileSize)
    return fail(ErrorCode::kInvalidArgument,
                "the " + std::string(what) + " " + path + " is larger than 2 GiB");
  BootBytes bytes(size);
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t got = read(fd.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return open_error(path, what, errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace cumulet::hypervisor
