// The table of pages that hold translated code.
#include "hypervisor/translate/code_pages.h"

#include <algorithm>
#include <cstdlib>

#include "base/check.h"
#include "hypervisor/translate/block.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint32_t kChunkShift = 6;
}

// Zeroed memory straight from the host, so that the table of a large guest costs only what is used of it.
CodePages::CodePages(const GuestMemory& memory)
    : regions_(memory.regions().begin(), memory.regions().end()),
      count_(memory.size() / kPageSize),
      pages_(static_cast<CodePage*>(std::calloc(count_, sizeof(CodePage)))) {
  CHECK(pages_ != nullptr);
}

CodePage* CodePages::page(GuestAddress address) {
  for (const MemoryRegion& region : regions_) {
    if (address - region.address < region.size)
      return &pages_[(region.offset + (address - region.address)) / kPageSize];
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
    const CodePage* found = page(address);
    if (found != nullptr && (found->chunks.load() & chunks(offset, here)) != 0) return true;
    address += here;
    size -= here;
  }
  return false;
}

void CodePages::note_storer(CodePage& page, uint32_t line) {
  uint32_t noted = page.storers.load();
  while ((noted & ~kWindow) != line && (noted & ~kWindow) != kMany) {
    uint32_t lines = (noted & ~kWindow) == kNobody ? line : kMany;
    if (page.storers.compare_exchange_weak(noted, lines | (noted & kWindow))) return;
  }
}

void CodePages::note_window(CodePage& page) {
  if ((page.storers.load() & kWindow) == 0) page.storers.fetch_or(kWindow);
}

}  // namespace cumulet::hypervisor
