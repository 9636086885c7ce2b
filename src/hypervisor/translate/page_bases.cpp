// The table in Context that relative code asks.
#include "hypervisor/translate/page_bases.h"

#include "base/check.h"

namespace cumulet::hypervisor {

PageBases::Entered PageBases::enter(uint32_t number, uint64_t base, bool direct) {
  CHECK(number != kNoPageNumber && number < kPageBases);
  PageBase& entry = context_.page_bases[number];
  bool before = entry.generation == generation_;
  if (before && entry.base != base) return Entered::kElsewhere;
  entry.base = base;
  entry.minus_base[direct] = -base;
  entry.minus_base[!direct] = -kNoBase;
  if (before) return Entered::kBefore;
  entry.generation = generation_;
  entered_.push_back(static_cast<uint16_t>(number));
  return Entered::kNow;
}

void PageBases::end_generation() {
  for (uint16_t number : entered_) {
    PageBase& entry = context_.page_bases[number];
    entry.base = kNoBase;
    entry.minus_base.fill(-kNoBase);
  }
  entered_.clear();
  ++generation_;
}

}  // namespace cumulet::hypervisor
