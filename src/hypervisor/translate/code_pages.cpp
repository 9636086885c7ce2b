// The table of pages that hold translated code.
#include "hypervisor/translate/code_pages.h"

#include <algorithm>

#include "base/check.h"
#include "hypervisor/translate/block.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint32_t kChunkShift = 6;
}

CodePages::CodePages(const GuestMemory& memory)
    : regions_(memory.regions().begin(), memory.regions().end()), masks_(memory.size() / kPageSize) {}

std::atomic<uint64_t>* CodePages::mask(GuestAddress address) {
  for (const MemoryRegion& region : regions_) {
    if (address - region.address < region.size)
      return &masks_[(region.offset + (address - region.address)) / kPageSize];
  }
  return nullptr;
}

uint64_t CodePages::chunks(uint64_t offset, uint64_t size) {
  CHECK(size > 0 && offset + size <= kPageSize);
  uint64_t first = offset >> kChunkShift;
  uint64_t last = (offset + size - 1) >> kChunkShift;
  uint64_t up_to_last = last == 63 ? ~uint64_t{0} : (uint64_t{1} << (last + 1)) - 1;
  return up_to_last & ~((uint64_t{1} << first) - 1);
}

bool CodePages::holds_code(GuestAddress address, uint64_t size) {
  while (size > 0) {
    uint64_t offset = address & ~kPageMask;
    uint64_t here = std::min(size, kPageSize - offset);
    std::atomic<uint64_t>* page = mask(address);
    if (page != nullptr && (page->load() & chunks(offset, here)) != 0) return true;
    address += here;
    size -= here;
  }
  return false;
}

}  // namespace cumulet::hypervisor
