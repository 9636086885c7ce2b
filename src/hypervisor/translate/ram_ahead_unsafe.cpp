// The windows of RamAhead, and the thread that fetches them.
#include <algorithm>
#include <pthread.h>
#include <sys/mman.h>

#include "hypervisor/translate/ram_ahead.h"

namespace cumulet::hypervisor {

namespace {
constexpr int kPopulateWrite = 23;  // Linux 5.14; older kernels refuse it, and everything works without
constexpr size_t kMostQueued = 16;  // a thread that is so late is of no use
}  // namespace

RamAhead::RamAhead(const GuestMemory& memory)
    : base_(memory.unsafe_host_pointer(memory.regions()[0].address, kPage)),
      states_(memory.size() / kChunk) {}

RamAhead::~RamAhead() {
  {
    std::lock_guard lock(lock_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void RamAhead::begin_chunk(uint64_t chunk) {
  if (chunk >= states_.size()) return;
  uint8_t state = states_[chunk].load(std::memory_order_relaxed);
  if (state == kSeen) return;
  states_[chunk].store(kSeen, std::memory_order_relaxed);
  if (state != kUnseen) {
    fetch(chunk + state, std::min<uint64_t>(uint64_t{state} * 2, kLongestWindow));
  } else if (chunk != 0 && states_[chunk - 1].load(std::memory_order_relaxed) != kUnseen) {
    fetch(chunk + 1, 1);
  }
}

// A window ends where another stream was.
void RamAhead::fetch(uint64_t first, uint64_t count) {
  uint64_t end = first;
  while (end < std::min(first + count, states_.size()) &&
         states_[end].load(std::memory_order_relaxed) == kUnseen)
    states_[end++].store(kSeen, std::memory_order_relaxed);
  if (end == first) return;
  states_[first].store(static_cast<uint8_t>(end - first), std::memory_order_relaxed);
  {
    std::lock_guard lock(lock_);
    if (queue_.size() == kMostQueued) return;
    queue_.push_back({first, end - first});
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  }
  changed_.notify_one();
}

void RamAhead::run() {
  pthread_setname_np(pthread_self(), "guest-pages");
  std::unique_lock lock(lock_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    Window window = queue_.front();
    queue_.pop_front();
    lock.unlock();
    // One chunk at a time: so long the host's lock on the address space is held.
    for (uint64_t chunk = window.first; chunk < window.first + window.count; ++chunk)
      (void)madvise(base_ + chunk * kChunk, kChunk, kPopulateWrite);
    lock.lock();
  }
}

}  // namespace cumulet::hypervisor
