// The two mappings of the code cache.
#include <atomic>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>

#include "base/check.h"
#include "hypervisor/translate/code_cache.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kStubSize = 64 << 10;
// Memory is worth more than where in a cache line a block begins.
constexpr uint64_t kHotAlignment = 16, kColdAlignment = 8;
// What blocks take: kernel code 10, user code with direct memory more.
constexpr uint64_t kHotSixteenths = 10;
constexpr uint64_t kMinSize = uint64_t{1} << 20;
constexpr uint64_t kMaxSize = uint64_t{1} << 30;  // jumps within the cache have 32-bit displacements

uint64_t align_up(uint64_t value, uint64_t alignment) { return (value + alignment - 1) & ~(alignment - 1); }
}  // namespace

Result<std::unique_ptr<CodeCache>> CodeCache::create(uint64_t size) {
  if (size < kMinSize || size > kMaxSize || size % kStubSize != 0)
    return fail(ErrorCode::kInvalidArgument, "the code cache must have 1 MiB to 1 GiB, in 64 KiB steps");
  UniqueFd fd(memfd_create("translated-code", MFD_CLOEXEC));
  if (!fd.valid()) return fail(errno_error("create a memfd for translated code", errno));
  if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0)
    return fail(errno_error("size the memfd for translated code", errno));
  void* writable = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (writable == MAP_FAILED) return fail(errno_error("map the code cache for writing", errno));
  void* executable = mmap(nullptr, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd.get(), 0);
  if (executable == MAP_FAILED) {
    int error = errno;
    munmap(writable, size);
    return fail(errno_error("map the code cache for execution", error));
  }
  return std::unique_ptr<CodeCache>(new CodeCache(std::move(fd), static_cast<uint8_t*>(writable),
                                                  reinterpret_cast<uint64_t>(executable), size));
}

CodeCache::CodeCache(UniqueFd fd, uint8_t* writable, uint64_t executable, uint64_t size)
    : fd_(std::move(fd)),
      writable_(writable),
      executable_(executable),
      size_(size),
      pages_ahead_(writable, executable) {
  hot_begin_ = executable_ + kStubSize;
  hot_end_ = align_up(hot_begin_ + (size_ - kStubSize) / 16 * kHotSixteenths, kHotAlignment);
  cold_end_ = executable_ + size_;
  pages_ahead_.set_up(PagesAhead::End::kHot, 0, hot_end_ - executable_);
  pages_ahead_.set_up(PagesAhead::End::kCold, hot_end_ - executable_, size_);
  clear();
}

CodeCache::~CodeCache() {
  pages_ahead_.stop();
  munmap(writable_, size_);
  munmap(reinterpret_cast<void*>(executable_), size_);
}

void CodeCache::clear() {
  hot_next_ = hot_begin_;
  cold_next_ = hot_end_;
}

uint8_t* CodeCache::writable_at(uint64_t address, uint64_t size) {
  uint64_t offset = address - executable_;
  CHECK(offset < size_ && size <= size_ - offset);
  return writable_ + offset;
}

void CodeCache::copy_to(uint64_t address, ByteView code) {
  std::memcpy(writable_at(address, code.size()), code.data(), code.size());
}

void CodeCache::place_stubs(ByteView code) {
  CHECK(code.size() <= kStubSize);
  copy_to(executable_, code);
}

bool CodeCache::has_room(uint64_t hot_size, uint64_t cold_size) const {
  return hot_size + kHotAlignment <= hot_end_ - hot_next_ &&
         cold_size + kColdAlignment <= cold_end_ - cold_next_;
}

uint32_t CodeCache::most_blocks() const {
  return static_cast<uint32_t>((hot_end_ - hot_begin_) / kHotAlignment + 1);
}

void CodeCache::replace(uint64_t hot_address, ByteView hot, uint64_t cold_address, ByteView cold) {
  copy_to(hot_address, hot);
  copy_to(cold_address, cold);
}

void CodeCache::place(ByteView hot, ByteView cold) {
  CHECK(has_room(hot.size(), cold.size()));
  copy_to(hot_next_, hot);
  hot_next_ = align_up(hot_next_ + hot.size(), kHotAlignment);
  pages_ahead_.grow(PagesAhead::End::kHot, hot_next_ - executable_);
  place_cold(cold);
}

void CodeCache::place_cold(ByteView cold) {
  CHECK(cold.size() + kColdAlignment <= cold_end_ - cold_next_);
  copy_to(cold_next_, cold);
  cold_next_ = align_up(cold_next_ + cold.size(), kColdAlignment);
  pages_ahead_.grow(PagesAhead::End::kCold, cold_next_ - executable_);
}

// x86 guarantees that aligned stores are seen whole, by instruction fetch too; a processor that runs the old
// bytes a little longer does what the old code did, which is what callers allow for.
void CodeCache::patch32(uint64_t address, uint32_t value) {
  CHECK(address % 4 == 0);
  std::atomic_ref<uint32_t>(*reinterpret_cast<uint32_t*>(writable_at(address, 4))).store(value);
}

void CodeCache::patch64(uint64_t address, uint64_t value) {
  CHECK(address % 8 == 0);
  std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(writable_at(address, 8))).store(value);
}

}  // namespace cumulet::hypervisor
