// The lists of links that are patched to one block.
#include "hypervisor/translate/link_table.h"

namespace cumulet::hypervisor {

void LinkTable::store(StoredLink& stored, const Link& link, uint64_t code) {
  stored.target = static_cast<int64_t>(link.target << 8) >> 8;
  stored.mode = link.mode;
  stored.relative = link.relative_address == 0 ? 0 : static_cast<uint32_t>(link.relative_address - code);
  stored.leave_stub = static_cast<uint32_t>(link.leave_stub - code);
  stored.chained_to = StoredLink::kNoBlock;
  stored.next = kNoLink;
}

void LinkTable::chain(uint32_t link, Block& block, uint32_t number) {
  StoredLink& stored = links_.at(link);
  stored.chained_to = number;
  stored.next = block.first_incoming;
  block.first_incoming = link;
}

void LinkTable::unchain(uint32_t link, const BlockArena& blocks) {
  StoredLink& stored = links_.at(link);
  if (stored.chained_to == StoredLink::kNoBlock) return;
  uint32_t* at = &blocks.at(stored.chained_to).first_incoming;
  while (*at != link) at = &links_.at(*at).next;
  *at = stored.next;
  stored.chained_to = StoredLink::kNoBlock;
  stored.next = kNoLink;
}

}  // namespace cumulet::hypervisor
