// LinkSlots: where direct jumps across pages go, for one vCPU.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "hypervisor/translate/context.h"

namespace cumulet::hypervisor {

// Problem: where a jump into another page goes depends on the address translations of the vCPU that takes it,
// so it cannot be patched for all of them. It jumps through Context::link_slots instead, at its link's
// number. A slot holds the host code of the target block, or the link's own leave stub.
//
// Thread safety: set() and forget() by the holder of CodeSpace's lock, from any thread; fill() by the vCPU's
// thread with that lock; flushes and forget_code() by the vCPU's thread.
class LinkSlots {
 public:
  explicit LinkSlots(Context& context) : context_(context) {
    for (auto& list : filled_) list.reserve(kMostFilled);
  }

  // The slot of a link that is new, or whose target is gone.
  void set(uint32_t link, uint64_t leave_stub) {
    std::atomic_ref<uint64_t>(context_.link_slots[link]).store(leave_stub, std::memory_order_release);
  }
  // Until the next flush, the link goes to `code`.
  void fill(uint32_t link, uint64_t leave_stub, uint64_t code, bool user);
  // The same by the vCPU inside its gate, where nobody else gets at the lists. General registers only. False:
  // there are too many.
  bool fill_inside(uint32_t link, uint64_t leave_stub, uint64_t code, bool user) {
    if (filled_[user].size() >= kMostFilled) return false;
    filled_[user].push_back({link, leave_stub});
    set(link, code);
    return true;
  }
  // Before the numbers are given to other links.
  void forget();
  // What leads to `code` goes back to its leave stub.
  void forget_code(uint64_t code);

  void flush_all();
  // Only links in code of CPL 3.
  void flush_user();

 private:
  // Links that are set and filled again stay listed; so many end in a flush.
  static constexpr size_t kMostFilled = 1 << 16;

  struct Filled {
    uint32_t link;
    uint64_t leave_stub;
  };
  void flush(bool user);

  Context& context_;
  std::mutex mutex_;                           // of the lists
  std::array<std::vector<Filled>, 2> filled_;  // of kernel and user code
};

}  // namespace cumulet::hypervisor
