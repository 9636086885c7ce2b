// The memfd mapping behind guest RAM, and the only arithmetic on raw pointers into it.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hypervisor/memory/guest_memory.h"

#ifdef __SANITIZE_THREAD__
// Races of guests and their devices on guest RAM are part of what is emulated.
extern "C" const char* __tsan_default_suppressions() { return "race:cumulet::hypervisor::GuestMemory::\n"; }
#endif

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kPageSize = 4096;

Result<uint64_t> lay_out(std::vector<MemoryRegion>& regions) {
  if (regions.empty()) return fail(ErrorCode::kInvalidArgument, "guest RAM needs at least one region");
  std::sort(regions.begin(), regions.end(),
            [](const MemoryRegion& a, const MemoryRegion& b) { return a.address < b.address; });
  uint64_t offset = 0;
  uint64_t free_from = 0;
  for (MemoryRegion& region : regions) {
    if (region.size == 0 || region.size % kPageSize != 0 || region.address % kPageSize != 0)
      return fail(ErrorCode::kInvalidArgument, "guest RAM regions must be whole, non-empty 4 KiB pages");
    if (region.address < free_from || region.address + region.size < region.address)
      return fail(ErrorCode::kInvalidArgument, "guest RAM regions overlap or wrap around");
    free_from = region.address + region.size;
    region.offset = offset;
    offset += region.size;
  }
  return offset;
}

bool is_zero(ByteView bytes) {
  return bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}
}  // namespace

Result<std::unique_ptr<GuestMemory>> GuestMemory::create(std::vector<MemoryRegion> regions) {
  uint64_t size = TRY(lay_out(regions));
  UniqueFd fd(memfd_create("guest-ram", MFD_CLOEXEC));
  if (!fd.valid()) return fail(errno_error("create a memfd for guest RAM", errno));
  if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0)
    return fail(errno_error("size the memfd for guest RAM", errno));
  void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd.get(), 0);
  if (base == MAP_FAILED) {
    Error error = errno_error("map guest RAM", errno);
    error.code = ErrorCode::kResourceExhausted;
    return fail(std::move(error));
  }
  return std::unique_ptr<GuestMemory>(
      new GuestMemory(std::move(fd), std::move(regions), static_cast<uint8_t*>(base), size));
}

GuestMemory::GuestMemory(UniqueFd fd, std::vector<MemoryRegion> regions, uint8_t* base, uint64_t size)
    : fd_(std::move(fd)), regions_(std::move(regions)), base_(base), size_(size) {}

GuestMemory::~GuestMemory() { munmap(base_, size_); }

uint8_t* GuestMemory::unsafe_host_pointer(GuestAddress address, uint64_t size) const {
  for (const MemoryRegion& region : regions_) {
    if (address < region.address) break;
    uint64_t into = address - region.address;
    if (into < region.size && size <= region.size - into) return base_ + region.offset + into;
  }
  return nullptr;
}

bool GuestMemory::read(GuestAddress address, MutableByteView out) const {
  const uint8_t* from = unsafe_host_pointer(address, out.size());
  if (from == nullptr) return false;
  std::memcpy(out.data(), from, out.size());
  return true;
}

// Through the file, pages that are not there yet are neither faulted in nor cleared before they are
// overwritten.
void GuestMemory::write_through_file(uint8_t* to, ByteView bytes) {
  while (!bytes.empty()) {
    ssize_t written = pwrite(fd_.get(), bytes.data(), bytes.size(), to - base_);
    if (written <= 0) break;
    to += written;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  std::memcpy(to, bytes.data(), bytes.size());
}

bool GuestMemory::write(GuestAddress address, ByteView bytes) {
  constexpr uint64_t kLarge = 16 * kPageSize;
  uint8_t* to = unsafe_host_pointer(address, bytes.size());
  if (to == nullptr) return false;
  if (bytes.size() >= kLarge) {
    write_through_file(to, bytes);
  } else if (!bytes.empty()) {
    std::memcpy(to, bytes.data(), bytes.size());
  }
  return true;
}

bool GuestMemory::load(GuestAddress address, ByteView bytes) {
  constexpr uint64_t kWorthwhile = 16 * kPageSize;  // of zeros in a row: each costs a system call
  uint8_t* to = unsafe_host_pointer(address, bytes.size());
  if (to == nullptr) return false;
  size_t start = 0;  // everything before it is in RAM
  size_t zeros = 0;  // so many bytes before `at` are zeros
  auto flush = [&](size_t at) {
    if (zeros < kWorthwhile) return;
    write_through_file(to + start, bytes.subspan(start, at - zeros - start));
    clear(to + (at - zeros), zeros);
    start = at;
  };
  for (size_t at = 0; at < bytes.size();) {
    uint64_t in_page = static_cast<uint64_t>(to + at - base_) % kPageSize;
    size_t size = std::min<size_t>(kPageSize - in_page, bytes.size() - at);
    if (is_zero(bytes.subspan(at, size))) {
      zeros += size;
    } else {
      flush(at);
      zeros = 0;
    }
    at += size;
  }
  flush(bytes.size());
  write_through_file(to + start, bytes.subspan(start));
  return true;
}

// Pages are given back to the host, which is far cheaper than to write zeros into pages that are not there.
void GuestMemory::clear(uint8_t* from, uint64_t size) {
  auto offset = static_cast<uint64_t>(from - base_);
  uint64_t first = std::min((offset + kPageSize - 1) / kPageSize * kPageSize, offset + size);
  uint64_t end = std::max((offset + size) / kPageSize * kPageSize, first);
  if (end > first && fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                               static_cast<off_t>(first), static_cast<off_t>(end - first)) != 0)
    std::memset(base_ + first, 0, end - first);
  std::memset(base_ + offset, 0, first - offset);
  std::memset(base_ + end, 0, offset + size - end);
}

bool GuestMemory::zero(GuestAddress address, uint64_t size) {
  uint8_t* from = unsafe_host_pointer(address, size);
  if (from == nullptr) return false;
  clear(from, size);
  return true;
}

}  // namespace cumulet::hypervisor
