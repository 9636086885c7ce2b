// The memfd mapping behind guest RAM, and the only arithmetic on raw pointers into it.
#include <algorithm>
#include <cerrno>
#include <cstring>
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

bool GuestMemory::write(GuestAddress address, ByteView bytes) {
  constexpr uint64_t kLarge = 1 << 20;
  uint8_t* to = unsafe_host_pointer(address, bytes.size());
  if (to == nullptr) return false;
  // Through the file, pages that are not there yet are neither faulted in nor cleared before they are
  // overwritten.
  if (bytes.size() >= kLarge) {
    ssize_t written = pwrite(fd_.get(), bytes.data(), bytes.size(), to - base_);
    auto done = static_cast<size_t>(std::max<ssize_t>(written, 0));
    to += done;
    bytes = bytes.subspan(done);
  }
  std::memcpy(to, bytes.data(), bytes.size());
  return true;
}

bool GuestMemory::zero(GuestAddress address, uint64_t size) {
  uint8_t* to = unsafe_host_pointer(address, size);
  if (to == nullptr) return false;
  std::memset(to, 0, size);
  return true;
}

}  // namespace cumulet::hypervisor
