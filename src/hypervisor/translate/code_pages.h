// CodePages: which bytes of guest RAM have been translated, and which vCPUs may store to a page unnoticed.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// Of one 4 KiB page. Translated code reads `chunks`, so the layout is fixed.
struct CodePage {
  std::atomic<uint64_t> chunks;   // one bit for each 64 bytes that some valid block was made from
  std::atomic<uint32_t> storers;  // CodePages::kNobody, a line's number or kMany; and perhaps kWindow
  uint32_t first_block;           // BlockArena's list of the blocks that need the page; 0 = none
  std::atomic<uint64_t> changes;  // how often a store dropped code here
  std::atomic<uint32_t> hot;      // not 0: user code was found running here again and again (DirectMode)
  std::atomic<uint32_t> number;   // of the page's base (PageBases), or kNoPageNumber
};
inline constexpr uint32_t kCodePageShift = 5;
static_assert(sizeof(CodePage) == 1 << kCodePageShift);

// For every page of RAM, a CodePage. Thread safety: reads are lock-free, note_storer() is too; other writers
// hold the CodeSpace's lock.
//
// `storers` answers who must be stopped before the page's bytes can be translated: a vCPU first gives one of
// its TLB lines the right to store, then notes it here, then looks at `chunks`; CodeSpace first sets
// `chunks`, then takes the note, then the rights of the lines noted. One of the two sees the other.
class CodePages {
 public:
  static constexpr uint32_t kNobody = 0, kWindow = 1U << 31, kMany = kWindow - 1;

  explicit CodePages(const GuestMemory& memory);

  // The page that holds `address`, or null outside RAM.
  [[nodiscard]] CodePage* page(GuestAddress address);
  // True if any chunk of [address, address + size) holds code.
  [[nodiscard]] bool holds_code(GuestAddress address, uint64_t size);
  // Notes that the TLB line with this number, which is unique among all vCPUs and not 0, may store to the
  // page; or that a DirectWindow may.
  static void note_storer(CodePage& page, uint32_t line);
  static void note_window(CodePage& page);
  // True for a page whose code is written again and again: there, a right to store that is costly to take
  // away is not worth giving.
  static bool keeps_changing(const CodePage& page) { return page.changes.load() >= kManyChanges; }

  // The bits of the bytes [offset, offset + size) of a page. Precondition: they lie within the page.
  static uint64_t chunks(uint64_t offset, uint64_t size);

  // In the order of the RAM's memfd.
  [[nodiscard]] CodePage* table() { return pages_.get(); }
  [[nodiscard]] uint64_t count() const { return count_; }

 private:
  static constexpr uint64_t kManyChanges = 4;
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::vector<MemoryRegion> regions_;
  uint64_t count_;
  std::unique_ptr<CodePage[], Free> pages_;
};

}  // namespace cumulet::hypervisor
