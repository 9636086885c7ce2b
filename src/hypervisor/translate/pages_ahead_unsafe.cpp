// The thread behind PagesAhead, and its requests to the host.
#include <algorithm>
#include <pthread.h>
#include <sys/mman.h>

#include "hypervisor/translate/pages_ahead.h"

namespace cumulet::hypervisor {

namespace {
// Linux 5.14; older kernels refuse them, and everything works without.
constexpr int kPopulateRead = 22, kPopulateWrite = 23;
// The host's lock on the address space is held so long.
constexpr uint64_t kPiece = 64 << 10;
}  // namespace

PagesAhead::PagesAhead(uint8_t* writable, uint64_t executable)
    : writable_(writable), executable_(executable) {}

void PagesAhead::stop() {
  stopping_ = true;
  ++changes_;
  changes_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void PagesAhead::set_up(End end, uint64_t start, uint64_t limit) {
  Range& range = ranges_[static_cast<size_t>(end)];
  range.limit = limit;
  range.fetched = start / kPiece * kPiece;
  range.wanted = range.fetched;
}

// After clear() code grows through pages that are there already: then nothing is wanted.
void PagesAhead::want_more(Range& range, uint64_t offset) {
  uint64_t wanted = range.wanted;
  while (offset + kDistance > wanted && wanted < range.limit) wanted = std::min(wanted + kStep, range.limit);
  if (wanted == range.wanted) return;
  range.wanted = wanted;
  ++changes_;
  if (!thread_.joinable()) {
    thread_ = std::thread([this] { run(); });
  } else {
    changes_.notify_one();
  }
}

void PagesAhead::run() {
  pthread_setname_np(pthread_self(), "code-pages");
  while (!stopping_) {
    uint32_t seen = changes_;
    bool more = fetch_some(ranges_[0]);
    more = fetch_some(ranges_[1]) || more;
    if (!more) changes_.wait(seen);
  }
}

bool PagesAhead::fetch_some(Range& range) {
  uint64_t end = std::min(range.fetched + kPiece, range.wanted.load());
  if (range.fetched >= end) return false;
  uint64_t size = end - range.fetched;
  (void)madvise(writable_ + range.fetched, size, kPopulateWrite);
  (void)madvise(reinterpret_cast<void*>(executable_ + range.fetched), size, kPopulateRead);
  range.fetched = end;
  return true;
}

}  // namespace cumulet::hypervisor
