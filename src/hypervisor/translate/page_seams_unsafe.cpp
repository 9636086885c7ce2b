// The mappings of PageSeams.
#include <sys/mman.h>

#include "hypervisor/translate/block.h"
#include "hypervisor/translate/page_seams.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kStride = 3 * kPageSize;  // the last one is a guard
}

PageSeams::~PageSeams() {
  if (base_ != 0) munmap(reinterpret_cast<void*>(base_), kSeams * kStride);
}

bool PageSeams::reserve() {
  if (base_ != 0) return true;
  void* base = mmap(nullptr, kSeams * kStride, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base != MAP_FAILED) base_ = reinterpret_cast<uint64_t>(base);
  return base != MAP_FAILED;
}

bool PageSeams::map(uint64_t at, uint64_t page) const {
  const MemoryRegion& first = memory_.regions().front();
  auto ram =
      reinterpret_cast<uint64_t>(memory_.unsafe_host_pointer(first.address, first.size)) - first.offset;
  return mmap(reinterpret_cast<void*>(at), kPageSize, PROT_READ | PROT_WRITE,
              MAP_SHARED | MAP_FIXED | MAP_POPULATE, memory_.fd(),
              static_cast<off_t>(page - ram)) != MAP_FAILED;
}

uint64_t PageSeams::join(uint64_t first, uint64_t second) {
  constexpr uint64_t kMix = 0x9e3779b97f4a7c15;
  uint64_t first_page = first & kPageMask;
  if (second == first_page + kPageSize) return first;
  if (!reserve()) return 0;
  size_t number = ((first_page >> 12) + (second >> 12) * 31) * kMix >> 58;
  static_assert(kSeams == 1 << 6);
  uint64_t at = base_ + number * kStride;
  Seam& seam = seams_[number];
  if (seam.first_page != first_page || seam.second_page != second) {
    seam = {};
    if (!map(at, first_page) || !map(at + kPageSize, second)) return 0;
    seam = {first_page, second};
  }
  return at + (first & ~kPageMask);
}

}  // namespace cumulet::hypervisor
