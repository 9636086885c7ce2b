// The thread of RamAhead, and its requests to the host.
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hypervisor/translate/ram_ahead.h"

namespace cumulet::hypervisor {

namespace {
constexpr int kPopulateWrite = 23;  // Linux 5.14; older kernels refuse it, and everything works without
}  // namespace

RamAhead::RamAhead(const GuestMemory& memory)
    : base_(memory.unsafe_host_pointer(memory.regions()[0].address, kPage)),
      states_(memory.size() / kChunk),
      thread_([this] { run(); }) {}

RamAhead::~RamAhead() {
  stopping_ = true;
  ++asked_;
  wake();
  thread_.join();
}

// By hand, because a library function may use any register.
void RamAhead::wake() {
  static_assert(sizeof(asked_) == sizeof(uint32_t));
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(SYS_futex), "D"(&asked_), "S"(FUTEX_WAKE_PRIVATE), "d"(1)
               : "rcx", "r11", "memory");
}

void RamAhead::run() {
  pthread_setname_np(pthread_self(), "guest-pages");
  while (!stopping_) {
    uint32_t seen = asked_;
    bool idle = true;
    for (std::atomic<uint64_t>& slot : queue_) {
      uint64_t window = slot.exchange(0);
      // One chunk at a time: so long the host's lock on the address space is held.
      for (uint64_t chunk = window >> 8; chunk < (window >> 8) + (window & 0xff) && !stopping_; ++chunk)
        (void)madvise(base_ + chunk * kChunk, kChunk, kPopulateWrite);
      if (window != 0) idle = false;
    }
    if (idle) syscall(SYS_futex, &asked_, FUTEX_WAIT_PRIVATE, seen, nullptr);
  }
}

}  // namespace cumulet::hypervisor
