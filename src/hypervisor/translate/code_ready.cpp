// What the quick path asks CodeSpace.
#include "hypervisor/translate/code_space.h"

namespace cumulet::hypervisor {

const Block* CodeSpace::ready_block(const BlockKey& key) const {
  uint32_t number = table_.find(key);
  if (number == BlockTable::kNone) return nullptr;
  const Block& block = blocks_.at(number);
  return block.valid.load(std::memory_order_acquire) && block.chainable() ? &block : nullptr;
}

}  // namespace cumulet::hypervisor
