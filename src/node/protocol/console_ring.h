// The console ring: the last part of everything a guest printed, in a file (docs/formats/console-ring.md).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace cumulet::node {

inline constexpr uint64_t kConsoleRingCapacity = 1 << 20;  // bytes of output kept by default

// Problem: a VMM prints a byte at a time, for months; readers in other processes want the last N bytes at any
// time, also after the VMM died in any instruction. Invariant: the file's `total` never counts a byte that is
// not in the data area yet. Ownership: one writer per file (the VMM, which holds its instance's lock). Not
// thread-safe.
class ConsoleRing {
 public:
  // Opens the file, or creates it with room for `capacity` bytes. An existing file keeps its capacity and
  // content, so that the console survives a restart of the VMM. Errors: kCorrupt (not a console ring), kIo,
  // kResourceExhausted.
  static Result<std::unique_ptr<ConsoleRing>> open(const std::string& path,
                                                   uint64_t capacity = kConsoleRingCapacity);
  ~ConsoleRing();
  ConsoleRing(const ConsoleRing&) = delete;
  ConsoleRing& operator=(const ConsoleRing&) = delete;

  // Appends; of more than `capacity` bytes only the last survive. Never blocks.
  void append(ByteView bytes);
  [[nodiscard]] uint64_t total() const { return total_; }  // bytes ever appended

 private:
  ConsoleRing(MutableByteView mapping, uint64_t capacity, uint64_t total);
  void store_counter(size_t offset, uint64_t value);

  MutableByteView mapping_;  // the whole file
  uint64_t capacity_;
  uint64_t total_;
};

// What read_console() found.
struct ConsoleOutput {
  std::string text;    // raw bytes, oldest first
  uint64_t total = 0;  // bytes ever printed, up to the end of `text`
};

// Returns up to `last` of the newest bytes, in order. Safe while a writer appends: bytes that it overwrote
// meanwhile are left out. Errors: kNotFound, kCorrupt, kIo.
Result<ConsoleOutput> read_console(const std::string& path, uint64_t last);

}  // namespace cumulet::node
