// BootSource: the bytes of a kernel or initrd, read in pieces: of a file, or of memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace cumulet::hypervisor {

inline constexpr uint64_t kMaximumBootFileSize = uint64_t{2} << 30;  // bytes

// The size never changes; the bytes of a file may, between two reads. So what is checked must be a copy.
// Thread safety: all methods may be called from any thread.
class BootSource {
 public:
  virtual ~BootSource() = default;
  [[nodiscard]] virtual uint64_t size() const = 0;  // bytes
  // Fills `out` from `offset` on. Precondition: that lies within size(). Errors kIo: the file cannot be read,
  // or has become shorter.
  [[nodiscard]] virtual Result<void> read(uint64_t offset, MutableByteView out) const = 0;
};

// Bytes that somebody else owns and keeps.
class MemorySource final : public BootSource {
 public:
  explicit MemorySource(ByteView bytes) : bytes_(bytes) {}
  [[nodiscard]] uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] Result<void> read(uint64_t offset, MutableByteView out) const override;

 private:
  ByteView bytes_;
};

class FileSource final : public BootSource {
 public:
  // `what` ("kernel") is for messages. Errors: kNotFound, kInvalidArgument (not a regular file, or too
  // large), kPermissionDenied, kIo.
  static Result<FileSource> open(const std::string& path, std::string_view what);
  [[nodiscard]] uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(uint64_t offset, MutableByteView out) const override;

 private:
  FileSource(UniqueFd fd, uint64_t size, std::string name)
      : fd_(std::move(fd)), size_(size), name_(std::move(name)) {}

  UniqueFd fd_;
  uint64_t size_;
  std::string name_;  // "the kernel /boot/vmlinuz"
};

}  // namespace cumulet::hypervisor
