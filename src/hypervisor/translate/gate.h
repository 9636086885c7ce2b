// Gate: who is in translated code, and how to get it out.
#pragma once

#include <atomic>
#include <mutex>

#include "hypervisor/translate/context.h"

namespace cumulet::hypervisor {

// One a vCPU. Two things make a vCPU leave translated code at its next block: a kick (for the machine) and a
// stop (for another vCPU that changes shared translated code). Both protect the poll page that every block
// stores to.
//
//          enter()                    leave()
//   out ------------> in translated code ------------> out      enter() fails while kicked or stopped
//
// Thread safety: kick(), stop(), wait_until_out(), hold() and resume() from any thread; the rest on the
// vCPU's.
class Gate {
 public:
  explicit Gate(ContextMapping& mapping) : mapping_(mapping) {}

  // Asks the vCPU to leave for its machine. Stays until take_kick().
  void kick();
  [[nodiscard]] bool kicked() const { return kicked_.load(); }
  bool take_kick() { return kicked_.exchange(false); }

  // True: the vCPU counts as inside now. False: a kick or a stop wants to be looked at first.
  [[nodiscard]] bool enter();
  void leave();

  // Keeps the vCPU out from its next block on, until resume(). One stopper at a time.
  void stop();
  void wait_until_out() const;
  // The same as stop(), unless the vCPU is inside: then it is let alone. True: it is kept out.
  [[nodiscard]] bool hold();
  void resume() { stopped_.store(false); }

 private:
  void protect();
  void unprotect();

  ContextMapping& mapping_;
  std::atomic<bool> kicked_ = false;
  std::atomic<bool> stopped_ = false;
  std::atomic<bool> inside_ = false;
  std::atomic<bool> protected_ = false;
  std::mutex protection_;  // held for the length of one mprotect
};

}  // namespace cumulet::hypervisor
