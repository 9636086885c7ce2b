// Which guest RAM to fetch next. General registers only: vCPUs come here with the guest's vector registers.
#include "hypervisor/translate/ram_ahead.h"

#include <algorithm>

namespace cumulet::hypervisor {

void RamAhead::begin_chunk(uint64_t chunk) {
  if (chunk >= states_.size()) return;
  uint8_t state = states_[chunk].load(std::memory_order_relaxed);
  if (state == kSeen) return;
  states_[chunk].store(kSeen, std::memory_order_relaxed);
  if (state != kUnseen) {
    ask(chunk + state, std::min<uint64_t>(uint64_t{state} * 2, kLongestWindow));
  } else if (chunk != 0 && states_[chunk - 1].load(std::memory_order_relaxed) != kUnseen) {
    ask(chunk + 1, 1);
  }
}

// A window ends where another stream was.
void RamAhead::ask(uint64_t first, uint64_t count) {
  uint64_t limit = std::min<uint64_t>(first + count, states_.size());
  uint64_t end = first;
  while (end < limit && states_[end].load(std::memory_order_relaxed) == kUnseen)
    states_[end++].store(kSeen, std::memory_order_relaxed);
  if (end == first) return;
  states_[first].store(static_cast<uint8_t>(end - first), std::memory_order_relaxed);
  queue_[asked_.load() % kQueue] = first << 8 | (end - first);
  ++asked_;
  wake();
}

}  // namespace cumulet::hypervisor
