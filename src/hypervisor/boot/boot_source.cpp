// Opening of boot files with bounds, and reading of exactly what was asked for.
#include "hypervisor/boot/boot_source.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/check.h"

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

Result<void> MemorySource::read(uint64_t offset, MutableByteView out) const {
  CHECK(offset <= bytes_.size() && out.size() <= bytes_.size() - offset);
  std::ranges::copy(bytes_.subspan(offset, out.size()), out.begin());
  return {};
}

Result<FileSource> FileSource::open(const std::string& path, std::string_view what) {
  // O_NONBLOCK: opening a FIFO by mistake must not wait for a writer.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return open_error(path, what, errno);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return open_error(path, what, errno);
  std::string name = "the " + std::string(what) + " " + path;
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::kInvalidArgument, name + " is not a regular file");
  auto size = static_cast<uint64_t>(info.st_size);
  if (size > kMaximumBootFileSize) return fail(ErrorCode::kInvalidArgument, name + " is larger than 2 GiB");
  return FileSource(std::move(fd), size, std::move(name));
}

Result<void> FileSource::read(uint64_t offset, MutableByteView out) const {
  CHECK(offset <= size_ && out.size() <= size_ - offset);
  while (!out.empty()) {
    ssize_t got = pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error("read " + name_, errno));
    if (got == 0) return fail(ErrorCode::kIo, name_ + " became shorter while it was read");
    out = out.subspan(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
  return {};
}

}  // namespace cumulet::hypervisor
