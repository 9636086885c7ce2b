// Faults that translated code causes on the host: division errors, protected poll pages, privileged guests'
// mistakes.
#pragma once

#include <cstdint>

namespace cumulet::hypervisor {

struct Context;

// Readies the calling thread to run translated code: installs the process's fault handlers (once), gives the
// thread a signal stack of its own, for guests use any stack pointer, and blocks asynchronous signals for
// good.
void prepare_thread_for_translated_code();

// Called first for a fault at a memory address of this process, in the signal handler: true if the access may
// be tried again. Translated code holds no locks, so it may take some.
using WindowFaultHandler = bool (*)(Context* context, uint64_t address, bool write);

// While one of these exists, faults of this thread whose instruction pointer is in [code, code + size) are
// the guest's: registers go into `context`, and the thread goes on at `leave_fault`. Other faults go to
// whatever handler was installed before.
class NativeFaultScope {
 public:
  NativeFaultScope(Context& context, uint64_t code, uint64_t size, uint64_t leave_fault,
                   WindowFaultHandler handler);
  ~NativeFaultScope();
  NativeFaultScope(const NativeFaultScope&) = delete;
  NativeFaultScope& operator=(const NativeFaultScope&) = delete;
};

}  // namespace cumulet::hypervisor
