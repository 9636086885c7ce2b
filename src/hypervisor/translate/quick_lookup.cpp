// The ways of jumps that were not known yet.
#include "hypervisor/translate/quick_lookup.h"

#include "hypervisor/translate/quick_path.h"

namespace cumulet::hypervisor {

// As the dispatcher does (TranslateVcpu::next_request). Null: there is none yet, or it is not a usual one.
const Block* QuickLookup::next_block() const {
  const Cpu& cpu = parts_.context.cpu;
  uint64_t rip = cpu.state.rip;
  CodeMode mode = code_mode(cpu);
  if ((mode & kModeUser) != 0) return next_user_block(enter_page());
  std::optional<GuestAddress> page = parts_.fetch.page_of(rip);
  return page ? parts_.space.ready_block({*page | (rip & ~kPageMask), rip, mode}) : nullptr;
}

// Precondition: the page has code.
CodeMode QuickLookup::user_mode(const UserPage& page) const {
  CodeMode mode = code_mode(parts_.context.cpu);
  if (parts_.direct.wants(*page.code)) mode |= kModeDirect;
  if (page.entered != PageBases::Entered::kElsewhere) mode |= kModeRelative;
  return mode;
}

const Block* QuickLookup::next_user_block(const UserPage& page) const {
  if (page.code == nullptr) return nullptr;
  uint64_t rip = parts_.context.cpu.state.rip;
  CodeMode mode = user_mode(page);
  return parts_.space.ready_block(
      {page.address | (rip & ~kPageMask), (mode & kModeRelative) != 0 ? 0 : rip, mode});
}

// Makes the page at state.rip one that user code may run in.
QuickLookup::UserPage QuickLookup::enter_page() const {
  uint64_t rip = parts_.context.cpu.state.rip;
  std::optional<GuestAddress> address = parts_.fetch.page_of(rip);
  if (!address || !parts_.direct.settled()) return {};
  const CodePage* code = parts_.space.pages().page(*address);
  uint32_t number = code == nullptr ? kNoPageNumber : code->number.load(std::memory_order_relaxed);
  if (number == kNoPageNumber) return {};
  return {*address, code, number, parts_.bases.enter(number, rip & kPageMask, parts_.direct.wants(*code))};
}

bool QuickLookup::follow_link() {
  Context& context = parts_.context;
  auto number = static_cast<uint32_t>(context.link);
  if (follow_hint(number)) return true;
  const StoredLink& link = parts_.space.link(number);
  // A jump that is to be patched needs the lock.
  if (link.relative != 0) return false;
  const Block* block = next_block();
  if (block == nullptr) return false;
  uint64_t code = parts_.space.cache().stub_address();
  uint32_t host = block->host.load(std::memory_order_relaxed);
  context.target = code + host;
  if (!block->relative())
    return parts_.slots.fill_inside(number, code + link.leave_stub, context.target,
                                    (link.mode & kModeUser) != 0);
  GuestAddress physical = block->physical.load(std::memory_order_relaxed);
  uint32_t page = parts_.space.pages().page(physical)->number.load(std::memory_order_relaxed);
  bool direct = (block->mode.load(std::memory_order_relaxed) & kModeDirect) != 0;
  return parts_.slots.fill_inside(
      number, context.target,
      {host, static_cast<uint16_t>(page), static_cast<uint16_t>(physical & ~kPageMask), direct});
}

// What the slot held goes into it again, if that is right in this address space. Touches little memory.
bool QuickLookup::follow_hint(uint32_t link) {
  Context& context = parts_.context;
  LinkHint hint = parts_.slots.hint(link);
  bool active = parts_.direct.active();
  if (hint.page_number == kNoPageNumber || (hint.direct != 0) != active || !parts_.direct.settled())
    return false;
  uint64_t base = context.cpu.state.rip - hint.offset;
  if (!parts_.bases.lies_at(hint.page_number, base)) {
    if (enter_page().number != hint.page_number || !parts_.bases.lies_at(hint.page_number, base))
      return false;
  }
  context.target = parts_.space.cache().stub_address() + hint.host;
  return parts_.slots.fill_inside(link, context.target, hint);
}

bool QuickLookup::follow_indirect_jump() {
  const Cpu& cpu = parts_.context.cpu;
  CodeMode mode = code_mode(cpu);
  if ((mode & kModeUser) != 0) return follow_to_user_code();
  uint64_t key = KnownTargets::kernel_key(mode, cpu.state.rip);
  uint32_t indirect = parts_.targets.find(key);
  if (indirect == 0) {
    const Block* block = next_block();
    indirect = block == nullptr ? 0 : block->indirect.load(std::memory_order_acquire);
    if (indirect != 0) parts_.targets.note(key, indirect);
  }
  return indirect != 0 && go_to(indirect, false);
}

bool QuickLookup::follow_to_user_code() {
  const Cpu& cpu = parts_.context.cpu;
  UserPage page = enter_page();
  if (page.code == nullptr) return false;
  // The entry that sent the jump here lets it through now if it missed nothing but the page's base.
  if (page.entered == PageBases::Entered::kNow && parts_.jumps.may_hold(code_mode(cpu), cpu.state.rip))
    return quick::go_to_rip(parts_.context);
  CodeMode mode = user_mode(page);
  bool relative = (mode & kModeRelative) != 0;
  uint64_t key = KnownTargets::relative_key(mode, page.number, cpu.state.rip & ~kPageMask);
  uint32_t indirect = relative ? parts_.targets.find(key) : 0;
  if (indirect == 0) {
    const Block* block = next_user_block(page);
    indirect = block == nullptr ? 0 : block->indirect.load(std::memory_order_acquire);
    if (relative && indirect != 0) parts_.targets.note(key, indirect);
  }
  return indirect != 0 && go_to(indirect, relative);
}

bool QuickLookup::go_to(uint32_t indirect, bool verified) {
  const Cpu& cpu = parts_.context.cpu;
  uint64_t entry = parts_.space.cache().stub_address() + indirect;
  return parts_.jumps.fill_inside(code_mode(cpu), cpu.state.rip, entry, verified) &&
         quick::go_to_rip(parts_.context);
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
