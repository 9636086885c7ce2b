// The mapping behind a PagePair.
#include <sys/mman.h>

#include "base/check.h"
#include "hypervisor/interpret/page_pair.h"

namespace cumulet::hypervisor {

PagePair::PagePair() {
  constexpr size_t kBytes = kPairs * kPagesOfPair * kPage;
  void* mapped = mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(mapped != MAP_FAILED);
  memory_ = MutableByteView(static_cast<uint8_t*>(mapped), kBytes);
  for (uint64_t pair = 0; pair < kPairs; ++pair)
    for (uint64_t page = 0; page < 2; ++page) {
      if ((pair >> page & 1) == 0) continue;
      uint8_t* at = memory_.data() + (pair * kPagesOfPair + 1 + page) * kPage;
      CHECK(mprotect(at, kPage, PROT_READ | PROT_WRITE) == 0);
    }
}

PagePair::~PagePair() { munmap(memory_.data(), memory_.size()); }

MutableByteView PagePair::pages(bool first, bool second) {
  uint64_t pair = (first ? 1 : 0) | (second ? 2 : 0);
  return memory_.subspan((pair * kPagesOfPair + 1) * kPage, kSize);
}

}  // namespace cumulet::hypervisor
