// The ways of jumps that were not known yet.
#include "hypervisor/translate/quick_lookup.h"

#include "hypervisor/translate/quick_path.h"

namespace cumulet::hypervisor {

// As the dispatcher does (TranslateVcpu::next_request). Null: there is none yet, or it is not a usual one.
const Block* QuickLookup::next_block() const {
  const Cpu& cpu = parts_.context.cpu;
  uint64_t rip = cpu.state.rip;
  std::optional<GuestAddress> page = parts_.fetch.page_of(rip);
  if (!page) return nullptr;
  BlockKey key{*page | (rip & ~kPageMask), rip, code_mode(cpu)};
  if ((key.mode & kModeUser) == 0) return parts_.space.ready_block(key);
  const CodePage* code = parts_.space.pages().page(*page);
  if (code == nullptr || !parts_.direct.settled()) return nullptr;
  uint32_t number = code->number.load(std::memory_order_relaxed);
  if (number == kNoPageNumber) return nullptr;
  if (parts_.direct.wants(*code)) key.mode |= kModeDirect;
  if (parts_.bases.enter(number, rip & kPageMask)) {
    key.mode |= kModeRelative;
    key.rip = 0;
  }
  return parts_.space.ready_block(key);
}

bool QuickLookup::follow_link() {
  Context& context = parts_.context;
  auto number = static_cast<uint32_t>(context.link);
  const StoredLink& link = parts_.space.link(number);
  // A jump that is to be patched needs the lock.
  if (link.relative != 0) return false;
  const Block* block = next_block();
  if (block == nullptr) return false;
  uint64_t code = parts_.space.cache().stub_address();
  context.target = code + block->host.load(std::memory_order_relaxed);
  return parts_.slots.fill_inside(number, code + link.leave_stub, context.target,
                                  (link.mode & kModeUser) != 0);
}

bool QuickLookup::follow_indirect_jump() {
  Context& context = parts_.context;
  const Block* block = next_block();
  if (block == nullptr) return false;
  uint32_t indirect = block->indirect.load(std::memory_order_acquire);
  if (indirect == 0) return false;
  uint64_t code = parts_.space.cache().stub_address();
  context.target = code + block->host.load(std::memory_order_relaxed);
  return parts_.jumps.fill_inside(code_mode(context.cpu), context.cpu.state.rip, code + indirect);
}

namespace quick {

namespace {
bool follow(Context& context, LeaveReason reason, bool (QuickLookup::*way)()) {
  take_flags(context);
  set_flags(context, context.cpu.state.rflags & ~rflags::kRf);
  if (context.lookup != nullptr && (context.lookup->*way)()) return true;
  context.reason = reason;
  return false;
}
}  // namespace

bool follow_link(Context* context) { return follow(*context, LeaveReason::kLink, &QuickLookup::follow_link); }

bool follow_indirect_jump(Context* context) {
  return follow(*context, LeaveReason::kIndirect, &QuickLookup::follow_indirect_jump);
}

}  // namespace quick
}  // namespace cumulet::hypervisor
