// The lists of filled slots.
#include "hypervisor/translate/link_slots.h"

namespace cumulet::hypervisor {

void LinkSlots::fill(uint32_t link, uint64_t leave_stub, uint64_t code, bool user) {
  std::lock_guard lock(mutex_);
  if (filled_[user].size() >= kMostFilled) flush(user);
  filled_[user].push_back({link, leave_stub});
  point(link, code);
}

void LinkSlots::forget() {
  std::lock_guard lock(mutex_);
  for (auto& list : filled_) list.clear();
}

void LinkSlots::forget_code(uint64_t code, bool user) {
  std::lock_guard lock(mutex_);
  for (const Filled& filled : filled_[user])
    if (context_.link_slots[filled.link].code == code) set(filled.link, filled.leave_stub);
}

void LinkSlots::flush(bool user) {
  for (const Filled& filled : filled_[user]) point(filled.link, filled.leave_stub);
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
