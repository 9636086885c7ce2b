// The lists of filled slots.
#include "hypervisor/translate/link_slots.h"

namespace cumulet::hypervisor {

void LinkSlots::fill(uint32_t link, uint64_t leave_stub, uint64_t code, bool user) {
  std::lock_guard lock(mutex_);
  if (fill_inside(link, leave_stub, code, user)) return;
  flush(list_of(code, user));
  (void)fill_inside(link, leave_stub, code, user);
}

void LinkSlots::forget() {
  std::lock_guard lock(mutex_);
  for (auto& list : filled_) list.clear();
}

void LinkSlots::forget_code(uint64_t code, bool user) {
  std::lock_guard lock(mutex_);
  for (const Filled& filled : filled_[list_of(code, user)])
    if (context_.link_slots[filled.link].code == code) set(filled.link, filled.leave_stub);
}

void LinkSlots::flush(size_t list) {
  for (const Filled& filled : filled_[list]) point(filled.link, filled.leave_stub);
  filled_[list].clear();
}

void LinkSlots::flush_all() {
  std::lock_guard lock(mutex_);
  for (size_t list = 0; list < kLists; ++list) flush(list);
}

void LinkSlots::flush_user() {
  std::lock_guard lock(mutex_);
  flush(kUserList);
}

}  // namespace cumulet::hypervisor
