// CodePages: which bytes of guest RAM have been translated.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// For every 4 KiB page of RAM, a mask with one bit for each 64 bytes that some valid block was made from. 0 =
// no code. Thread safety: reads are lock-free; writers hold the CodeSpace's lock.
class CodePages {
 public:
  explicit CodePages(const GuestMemory& memory);

  // The mask of the page that holds `address`, or null outside RAM.
  [[nodiscard]] std::atomic<uint64_t>* mask(GuestAddress address);
  // True if any chunk of [address, address + size) holds code.
  [[nodiscard]] bool holds_code(GuestAddress address, uint64_t size);

  // The bits of the bytes [offset, offset + size) of a page. Precondition: they lie within the page.
  static uint64_t chunks(uint64_t offset, uint64_t size);

 private:
  std::vector<MemoryRegion> regions_;
  std::vector<std::atomic<uint64_t>> masks_;
};

}  // namespace cumulet::hypervisor
