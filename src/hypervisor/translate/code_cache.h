// CodeCache: the bounded memory that translated code lives in, never writable where it is executable.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "hypervisor/translate/pages_ahead.h"

namespace cumulet::hypervisor {

// One memfd mapped twice, readable+writable and readable+executable. Three regions grow upwards: stubs
// (once), hot code and cold code. All addresses are those of the executable mapping. Thread safety: the owner
// serializes all writers; other threads may execute meanwhile, so patch() is atomic.
class CodeCache {
 public:
  // Errors: kInvalidArgument (too small or above 1 GiB), kIo, kResourceExhausted.
  static Result<std::unique_ptr<CodeCache>> create(uint64_t size);
  ~CodeCache();
  CodeCache(const CodeCache&) = delete;
  CodeCache& operator=(const CodeCache&) = delete;

  // Places the stubs, once, at stub_address().
  void place_stubs(ByteView code);
  [[nodiscard]] uint64_t stub_address() const { return executable_; }

  // Where the next hot and cold code will be placed.
  [[nodiscard]] uint64_t hot_address() const { return hot_next_; }
  [[nodiscard]] uint64_t cold_address() const { return cold_next_; }
  // True if so much more fits.
  [[nodiscard]] bool has_room(uint64_t hot_size, uint64_t cold_size) const;
  // Places code at hot_address() and cold_address(). Precondition: has_room().
  void place(ByteView hot, ByteView cold);
  void place_cold(ByteView cold);
  // Overwrites code placed before, with code that is not longer. Nobody may be executing it.
  void replace(uint64_t hot_address, ByteView hot, uint64_t cold_address, ByteView cold);
  // Forgets all hot and cold code. Nobody may be executing it.
  void clear();

  // Replaces 4 or 8 bytes at once. Precondition: `address` is in the cache and aligned to the size.
  void patch32(uint64_t address, uint32_t value);
  void patch64(uint64_t address, uint64_t value);

  [[nodiscard]] uint64_t size() const { return size_; }
  // More than can be placed.
  [[nodiscard]] uint32_t most_blocks() const;

 private:
  CodeCache(UniqueFd fd, uint8_t* writable, uint64_t executable, uint64_t size);
  void copy_to(uint64_t address, ByteView code);
  [[nodiscard]] uint8_t* writable_at(uint64_t address, uint64_t size);

  UniqueFd fd_;
  uint8_t* writable_;
  uint64_t executable_;
  uint64_t size_;
  uint64_t hot_begin_, hot_end_, cold_end_;
  uint64_t hot_next_, cold_next_;
  PagesAhead pages_ahead_;
};

}  // namespace cumulet::hypervisor
