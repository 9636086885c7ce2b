// The signal that makes KVM_RUN return: its handler, and its place in a thread's mask.
#pragma once

namespace cumulet::hypervisor {

// SIGRTMIN. A function, because the C library decides its number at run time.
int kick_signal();

// Installs the handler, which does nothing, once per process (SA_RESTART: other system calls are not
// disturbed).
void install_kick_signal();

// Makes sure that the calling thread receives the signal; cheap after a thread's first call.
void unblock_kick_signal();

}  // namespace cumulet::hypervisor
