// PagesAhead: a thread that fetches the code cache's next pages from the host before code is put there.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace cumulet::hypervisor {

// Problem: a fresh page of the code cache costs two page faults, one in each mapping, together 4 µs; a boot
// places thousands of pages of code, and meanwhile other processors are idle. Here they fetch the pages, some
// 100 KiB before they are needed. Nothing depends on it: a page that is not there in time is faulted in by
// whoever touches it. Thread safety: grow() is called by one thread at a time.
class PagesAhead {
 public:
  PagesAhead(uint8_t* writable, uint64_t executable);
  ~PagesAhead() { stop(); }
  PagesAhead(const PagesAhead&) = delete;
  PagesAhead& operator=(const PagesAhead&) = delete;

  // One of the ends at which code grows.
  enum class End : uint8_t { kHot, kCold };
  // Code grows at `end` from `start` on, up to `limit`: offsets in the cache. Once for each end, before
  // grow().
  void set_up(End end, uint64_t start, uint64_t limit);
  // Ends the thread. The mappings must stay until then.
  void stop();
  // Code at `end` has grown to `offset`.
  void grow(End end, uint64_t offset) {
    Range& range = ranges_[static_cast<size_t>(end)];
    if (offset + kDistance > range.wanted.load(std::memory_order_relaxed)) [[unlikely]]
      want_more(range, offset);
  }

 private:
  static constexpr uint64_t kStep = 256 << 10;  // bytes that are asked for at once
  static constexpr uint64_t kDistance = 128
                                        << 10;  // bytes before the last page asked for: time to ask for more
  struct Range {
    uint64_t limit = 0;
    std::atomic<uint64_t> wanted = 0;  // fetch up to here
    uint64_t fetched = 0;              // the thread's own
  };

  void want_more(Range& range, uint64_t offset);
  void run();
  bool fetch_some(Range& range);

  uint8_t* writable_;
  uint64_t executable_;
  Range ranges_[2];
  std::atomic<uint32_t> changes_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace cumulet::hypervisor
