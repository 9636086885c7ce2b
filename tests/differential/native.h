// NativeRunner: the oracle. Runs a sequence on the host's own processor, in this process.
#pragma once

#include "outcome.h"

namespace cumulet::differential {

// The kernel loads and saves the registers: a signal handler swaps the interrupted context for the sequence's
// start, and the signal of whatever ends the sequence swaps it back. So every register is exact and no
// assembly is needed. One at a time in a process: it owns the addresses of layout.h and the signals SIGUSR1,
// TRAP, SEGV, BUS, FPE and ILL.
class NativeRunner {
 public:
  NativeRunner();  // maps the areas; CHECKs that it can
  ~NativeRunner();
  NativeRunner(const NativeRunner&) = delete;
  NativeRunner& operator=(const NativeRunner&) = delete;

  // The sequence must not loop, call the system, or move the FS base.
  Outcome run(const Start& start);
};

}  // namespace cumulet::differential
