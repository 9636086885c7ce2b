// LinkSlots: where direct jumps across pages go, for one vCPU.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "hypervisor/translate/context.h"

namespace cumulet::hypervisor {

// What a slot of user code held: relative code in one page. After a flush it holds again, if that page lies
// where the jump goes.
struct LinkHint {
  uint32_t host;         // offset in the code cache
  uint16_t page_number;  // of PageBases; kNoPageNumber: no hint
  uint16_t offset : 12;  // of the target in its page
  uint16_t direct : 1;   // its mode has kModeDirect
};
static_assert(sizeof(LinkHint) == sizeof(LinkSlot::hint) && kPageBases <= 1 << 16);

// Problem: where a jump into another page goes depends on the address translations of the vCPU that takes it,
// so it cannot be patched for all of them. It jumps through Context::link_slots instead, at its link's
// number. A slot holds the host code of the target block, or the link's own leave stub.
//
// A slot that is emptied keeps a hint of what it held. Hints hold as long as the code cache's epoch.
//
// Thread safety: set() and forget() by the holder of CodeSpace's lock, from any thread; fill() by the vCPU's
// thread with that lock; flushes and forget_code() by the vCPU's thread.
class LinkSlots {
 public:
  explicit LinkSlots(Context& context) : context_(context) {
    for (size_t list = 0; list < kLists; ++list) filled_[list].reserve(list == kUserList ? kMostUser : kMost);
  }

  // The slot of a link that is new, or whose target is gone.
  void set(uint32_t link, uint64_t leave_stub) {
    std::atomic_ref<uint64_t>(context_.link_slots[link].hint).store(0, std::memory_order_relaxed);
    point(link, leave_stub);
  }
  // Until the next flush, the link goes to `code`.
  void fill(uint32_t link, uint64_t leave_stub, uint64_t code, bool user);
  // The same by the vCPU inside its gate, where nobody else gets at the lists. General registers only. False:
  // there are too many.
  bool fill_inside(uint32_t link, uint64_t leave_stub, uint64_t code, bool user) {
    std::vector<Filled>& list = filled_[list_of(code, user)];
    if (list.size() == list.capacity()) return false;
    list.push_back({link, leave_stub});
    point(link, code);
    return true;
  }
  // The same for a jump of user code that came through its slot, with a hint for the next time.
  bool fill_inside(uint32_t link, uint64_t code, const LinkHint& hint) {
    context_.link_slots[link].hint = __builtin_bit_cast(uint64_t, hint);
    return fill_inside(link, context_.link_slots[link].code, code, true);
  }
  [[nodiscard]] LinkHint hint(uint32_t link) const {
    return __builtin_bit_cast(LinkHint, context_.link_slots[link].hint);
  }
  // Before the numbers are given to other links.
  void forget();
  // What leads to `code`, of a block of CPL 3 or of another, goes back to its leave stub.
  void forget_code(uint64_t code, bool user);

  void flush_all();
  // Only links in code of CPL 3.
  void flush_user();

 private:
  // Links that are set and filled again stay listed; so many end in a flush. Those of a kernel stay filled
  // for long, and are many: several lists by target make forget_code() short.
  static constexpr size_t kUserList = 0, kLists = 65, kMostUser = 1 << 16, kMost = 1 << 11;

  struct Filled {
    uint32_t link;
    uint64_t leave_stub;
  };
  void point(uint32_t link, uint64_t code) {
    std::atomic_ref<uint64_t>(context_.link_slots[link].code).store(code, std::memory_order_release);
  }
  static size_t list_of(uint64_t code, bool user) {
    return user ? kUserList : 1 + (code >> 3) % (kLists - 1);
  }
  void flush(size_t list);

  Context& context_;
  std::mutex mutex_;  // of the lists
  std::array<std::vector<Filled>, kLists> filled_;
};

}  // namespace cumulet::hypervisor
