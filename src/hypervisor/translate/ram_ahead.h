// RamAhead: a thread that fetches guest RAM from the host before a guest that goes through it gets there.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// Problem: the first touch of a page of guest RAM is a page fault of the host's, 2.5 µs and far more where
// the host is itself a guest that had given the memory back. Kernels go through most of what they touch in
// ascending order (page structures, page clearing, unpacking), so what comes next is known, as it is for
// files.
//
// RAM is divided into chunks of 64 KiB. When a vCPU begins one behind another that it has begun before, the
// following ones are fetched: one, then twice as many each time the vCPU reaches what was fetched last, up to
// 1 MiB. Like the kernel's readahead, it needs no list of streams: the first chunk of each window says in its
// state how long the window is.
//
//   chunks:  begun  begun  │ window of 2 │   window of 4        │ unseen
//                          ▲ the vCPU comes here: the window of 4 is asked for
//
// Nothing depends on it: a page that is not there in time is faulted in by whoever touches it. At most as
// much as a stream touched, and 2 MiB, is fetched in vain. Thread safety: touched() may be called by all
// vCPUs.
//
// touched() is called while the vector registers are the guest's: what it does (ram_ahead.cpp) is compiled
// for general registers only, and calls no library but for the system call that wakes the thread.
class RamAhead {
 public:
  explicit RamAhead(const GuestMemory& memory);
  ~RamAhead();
  RamAhead(const RamAhead&) = delete;
  RamAhead& operator=(const RamAhead&) = delete;

  // A vCPU is about to touch the page at `host`, which is in guest RAM.
  void touched(const uint8_t* host) {
    auto offset = static_cast<uint64_t>(host - base_);
    if (offset % kChunk < kPage) begin_chunk(offset / kChunk);
  }

 private:
  static constexpr uint64_t kPage = 4 << 10, kChunk = 64 << 10;  // bytes
  static constexpr uint8_t kUnseen = 0, kSeen = 0x80;  // or: the window's length, of the first chunk
  static constexpr uint64_t kLongestWindow = 16;       // chunks
  static constexpr uint64_t kQueue = 16;               // windows; a thread that is later is of no use

  void begin_chunk(uint64_t chunk);
  void ask(uint64_t first, uint64_t count);
  void wake();
  void run();

  uint8_t* base_;
  std::vector<std::atomic<uint8_t>> states_;  // of whole chunks; races cost only a window fetched twice

  // Windows asked for, first << 8 | count in chunks, 0: taken. Older ones are overwritten.
  std::array<std::atomic<uint64_t>, kQueue> queue_{};
  std::atomic<uint32_t> asked_ = 0;  // so many, ever
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace cumulet::hypervisor
