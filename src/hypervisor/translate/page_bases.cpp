// The table in Context that relative code asks.
#include "hypervisor/translate/page_bases.h"

#include "base/check.h"

namespace cumulet::hypervisor {

bool PageBases::enter(uint32_t number, uint64_t base) {
  CHECK(number != kNoPageNumber && number < kPageBases);
  PageBase& entry = context_.page_bases[number];
  if (entry.generation == generation_) return entry.base == base;
  entry = {base, -base, generation_};
  return true;
}

}  // namespace cumulet::hypervisor
