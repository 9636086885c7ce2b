// Entering and leaving translated code, against kicks and stops from other threads.
#include "hypervisor/translate/gate.h"

#include <thread>

namespace cumulet::hypervisor {

// `inside_` and the request flags are a store-then-load pair on either side (all sequentially consistent):
// either the vCPU sees the request before it enters, or the requester sees it inside and protects the page.
void Gate::kick() {
  if (kicked_.exchange(true)) return;
  if (inside_.load()) protect();
}

void Gate::stop() {
  stopped_.store(true);
  if (inside_.load()) protect();
}

bool Gate::hold() {
  stopped_.store(true);
  if (!inside_.load()) return true;
  resume();
  return false;
}

void Gate::wait_until_out() const {
  while (inside_.load()) std::this_thread::yield();
}

bool Gate::enter() {
  inside_.store(true);
  if (!kicked_.load() && !stopped_.load()) {
    if (protected_.load()) unprotect();  // from a request that has been dealt with since
    if (!kicked_.load() && !stopped_.load()) return true;
  }
  leave();
  return false;
}

void Gate::leave() {
  inside_.store(false);
  if (protected_.load()) unprotect();
}

void Gate::protect() {
  std::lock_guard lock(protection_);
  if (protected_.exchange(true)) return;
  mapping_.protect_poll_page(true);
}

void Gate::unprotect() {
  std::lock_guard lock(protection_);
  if (!protected_.exchange(false)) return;
  mapping_.protect_poll_page(false);
}

}  // namespace cumulet::hypervisor
