// The writing side of the console ring: a shared mapping of the file.
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/unique_fd.h"
#include "node/protocol/console_ring.h"
#include "node/protocol/console_ring_layout.h"

namespace cumulet::node {

namespace {

Result<void> make_empty_ring(int fd, uint64_t capacity) {
  // Reserves the blocks now: a full disk must be an error here, not a SIGBUS in append().
  if (int error = posix_fallocate(fd, 0, static_cast<off_t>(kRingHeaderSize + capacity)); error != 0) {
    Error failure = errno_error("reserve disk space for the console ring", error);
    if (error == ENOSPC) failure.code = ErrorCode::kResourceExhausted;
    return fail(std::move(failure));
  }
  return {};
}

Result<MutableByteView> map_file(int fd, uint64_t size) {
  void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) return fail(errno_error("map the console ring", errno));
  return MutableByteView(static_cast<uint8_t*>(base), size);
}

}  // namespace

Result<std::unique_ptr<ConsoleRing>> ConsoleRing::open(const std::string& path, uint64_t capacity) {
  if (capacity == 0 || capacity > kRingMaximumCapacity)
    return fail(ErrorCode::kInvalidArgument, "a console ring holds from 1 byte to 1 GiB");
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return fail(errno_error("open the console ring " + path, errno));
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return fail(errno_error("inspect the console ring " + path, errno));
  auto size = static_cast<uint64_t>(info.st_size);
  if (size == 0) {
    TRY_VOID(make_empty_ring(fd.get(), capacity));
    size = kRingHeaderSize + capacity;
  }
  if (size < kRingHeaderSize) return fail(ErrorCode::kCorrupt, "the console ring is cut short", path);
  MutableByteView mapping = TRY(map_file(fd.get(), size));
  auto ring = std::unique_ptr<ConsoleRing>(new ConsoleRing(mapping, size - kRingHeaderSize, 0));
  if (load_le<uint64_t>(mapping, kRingMagicOffset) == 0 &&
      load_le<uint64_t>(mapping, kRingTotalOffset) == 0) {
    // New, or its creator died before the magic, which is written last.
    store_le<uint32_t>(mapping, kRingVersionOffset, kRingVersion);
    store_le<uint64_t>(mapping, kRingCapacityOffset, size - kRingHeaderSize);
    ring->store_counter(kRingMagicOffset, kRingMagic);
  }
  ring->capacity_ = TRY(check_ring_header(mapping, size));
  ring->total_ = load_le<uint64_t>(mapping, kRingTotalOffset);
  return ring;
}

ConsoleRing::ConsoleRing(MutableByteView mapping, uint64_t capacity, uint64_t total)
    : mapping_(mapping), capacity_(capacity), total_(total) {}

ConsoleRing::~ConsoleRing() { munmap(mapping_.data(), mapping_.size()); }

void ConsoleRing::append(ByteView bytes) {
  // Readers drop whatever `reserved` says may be overwritten, so it grows before the first byte is.
  store_counter(kRingReservedOffset,
                std::max(load_le<uint64_t>(mapping_, kRingReservedOffset), total_ + bytes.size()));
  uint64_t skipped = bytes.size() > capacity_ ? bytes.size() - capacity_ : 0;
  uint64_t position = total_ + skipped;
  for (ByteView rest = bytes.subspan(skipped); !rest.empty();) {
    uint64_t at = position % capacity_;
    uint64_t now = std::min<uint64_t>(rest.size(), capacity_ - at);
    std::copy_n(rest.begin(), now, mapping_.begin() + static_cast<ptrdiff_t>(kRingHeaderSize + at));
    rest = rest.subspan(now);
    position += now;
  }
  total_ = position;
  store_counter(kRingTotalOffset, total_);
}

void ConsoleRing::store_counter(size_t offset, uint64_t value) {
  auto* counter = reinterpret_cast<uint64_t*>(mapping_.data() + offset);  // 8-byte aligned: page + 24 or 32
  // An exchange, unlike a store, keeps what follows behind it as well as what precedes before it.
  std::atomic_ref<uint64_t>(*counter).exchange(value, std::memory_order_acq_rel);
}

}  // namespace cumulet::node
