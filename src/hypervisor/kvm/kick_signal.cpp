// The signal that makes KVM_RUN return.
#include "hypervisor/kvm/kick_signal.h"

#include <csignal>
#include <mutex>

#include "base/check.h"

namespace cumulet::hypervisor {

int kick_signal() { return SIGRTMIN; }

void install_kick_signal() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(kick_signal(), &action, nullptr) == 0);
  });
}

void unblock_kick_signal() {
  static thread_local bool unblocked = false;
  if (unblocked) return;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, kick_signal());
  CHECK(pthread_sigmask(SIG_UNBLOCK, &set, nullptr) == 0);
  unblocked = true;
}

}  // namespace cumulet::hypervisor
