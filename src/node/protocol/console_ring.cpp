// The reading side of the console ring, and the check of its header.
#include "node/protocol/console_ring.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/unique_fd.h"
#include "node/protocol/console_ring_layout.h"

namespace cumulet::node {

namespace {

// Reads exactly out.size() bytes. Errors: kIo, kCorrupt (the file ends first).
Result<void> read_at(int fd, uint64_t offset, MutableByteView out) {
  size_t done = 0;
  while (done < out.size()) {
    ssize_t got = pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error("read the console ring", errno));
    if (got == 0) return fail(ErrorCode::kCorrupt, "the console ring is cut short");
    done += static_cast<size_t>(got);
  }
  return {};
}

Result<uint64_t> read_reserved(int fd) {
  std::array<uint8_t, 8> bytes{};
  TRY_VOID(read_at(fd, kRingReservedOffset, bytes));
  return load_le<uint64_t>(bytes);
}

}  // namespace

Result<uint64_t> check_ring_header(ByteView header, uint64_t file_size) {
  if (header.size() < 32 || load_le<uint64_t>(header, kRingMagicOffset) != kRingMagic)
    return fail(ErrorCode::kCorrupt, "the file is not a console ring");
  if (load_le<uint32_t>(header, kRingVersionOffset) != kRingVersion)
    return fail(ErrorCode::kCorrupt, "the console ring has a version that this program does not know");
  auto capacity = load_le<uint64_t>(header, kRingCapacityOffset);
  if (capacity == 0 || capacity > kRingMaximumCapacity || file_size < kRingHeaderSize ||
      file_size - kRingHeaderSize < capacity)
    return fail(ErrorCode::kCorrupt, "the console ring's capacity does not fit its file");
  return capacity;
}

Result<ConsoleOutput> read_console(const std::string& path, uint64_t last) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) return fail(ErrorCode::kNotFound, "there is no console yet", path);
  if (!fd.valid()) return fail(errno_error("open the console ring " + path, errno));
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return fail(errno_error("inspect the console ring " + path, errno));
  std::array<uint8_t, 32> header{};
  TRY_VOID(read_at(fd.get(), 0, header));
  uint64_t capacity = TRY(check_ring_header(header, static_cast<uint64_t>(info.st_size)));

  uint64_t end = load_le<uint64_t>(header, kRingTotalOffset);
  uint64_t wanted = std::min({last, capacity, end});
  std::string text(wanted, '\0');
  MutableByteView bytes(static_cast<uint8_t*>(static_cast<void*>(text.data())), text.size());
  uint64_t start = end - wanted;
  uint64_t until_wrap = std::min(wanted, capacity - start % capacity);
  TRY_VOID(read_at(fd.get(), kRingHeaderSize + start % capacity, bytes.first(until_wrap)));
  TRY_VOID(read_at(fd.get(), kRingHeaderSize, bytes.subspan(until_wrap)));

  // Whatever the writer appended meanwhile may have overwritten the oldest bytes of what was read.
  uint64_t reserved = TRY(read_reserved(fd.get()));
  uint64_t oldest_valid = reserved > capacity ? reserved - capacity : 0;
  if (oldest_valid > start) text.erase(0, std::min<uint64_t>(oldest_valid - start, text.size()));
  return ConsoleOutput{std::move(text), end};
}

}  // namespace cumulet::node
