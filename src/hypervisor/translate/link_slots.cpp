// The lists of filled slots.
#include "hypervisor/translate/link_slots.h"

#include <atomic>

namespace cumulet::hypervisor {

namespace {
// Links that are set and filled again stay listed; so many end in a flush.
constexpr size_t kMostFilled = 1 << 16;
}  // namespace

void LinkSlots::set(uint32_t link, uint64_t leave_stub) {
  std::atomic_ref<uint64_t>(context_.link_slots[link]).store(leave_stub, std::memory_order_release);
}

void LinkSlots::fill(uint32_t link, uint64_t leave_stub, uint64_t code, bool user) {
  std::lock_guard lock(mutex_);
  if (filled_[user].size() >= kMostFilled) flush(user);
  filled_[user].push_back({link, leave_stub});
  set(link, code);
}

void LinkSlots::forget() {
  std::lock_guard lock(mutex_);
  for (auto& list : filled_) list.clear();
}

void LinkSlots::forget_code(uint64_t code) {
  std::lock_guard lock(mutex_);
  for (const auto& list : filled_)
    for (const Filled& filled : list)
      if (context_.link_slots[filled.link] == code) set(filled.link, filled.leave_stub);
}

void LinkSlots::flush(bool user) {
  for (const Filled& filled : filled_[user]) set(filled.link, filled.leave_stub);
  filled_[user].clear();
}

void LinkSlots::flush_all() {
  std::lock_guard lock(mutex_);
  flush(false);
  flush(true);
}

void LinkSlots::flush_user() {
  std::lock_guard lock(mutex_);
  flush(true);
}

}  // namespace cumulet::hypervisor
