// DirectWindow: guest memory of one address space, mapped so that translated user code reaches it by adding a
// constant.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/translate/code_pages.h"
#include "hypervisor/translate/context.h"

namespace cumulet::hypervisor {

// A TLB whose entries are mappings of this process. Guest linear memory is cut into regions of 4 GiB; up to
// kDirectSlots of them have a slot: the upper half of the region's addresses, and what to add to them.
//
//   host:  | guard | window of slot 0, 4 GiB | guard | window of slot 1 | guard | ...
//
// Translated code checks the upper half of a base register against its slot, then adds an index below 4 Gi
// and a displacement of signed 32 bits: the sum lies in the window or in a guard, which is never mapped. So
// no guest address leads anywhere else. A page is mapped when it is first touched (SIGSEGV -> fill()), with
// the rights that a TLB entry would have, and unmapped when that entry would be flushed.
//
// Pages that hold translated code are mapped for reading only; CodeSpace says when a page becomes one.
//
// Thread safety: protect() may be called by any thread; all else by the vCPU's.
class DirectWindow {
 public:
  DirectWindow(Context& context, GuestMemory& memory, CodePages& pages);
  ~DirectWindow();
  DirectWindow(const DirectWindow&) = delete;
  DirectWindow& operator=(const DirectWindow&) = delete;

  // Reserves the address space; false if the system refuses. May be called again.
  bool reserve();

  // The slot of an address's region, newly given if need be. Nothing: not a user address, or no slot is left.
  std::optional<uint8_t> slot_of(uint64_t linear);

  // Maps the page behind a host address in the window. False: not an address in a window, or an access that
  // the page tables do not allow, or not to RAM, or a store to a page that holds code.
  bool fill(uint64_t host, bool write);

  // Whether a host address is in a window, mapped or not.
  [[nodiscard]] bool contains(uint64_t host) const { return page_at(host).has_value(); }
  // Whether fill() of this address just found the page, but may not map it as wanted: MMIO, or code to be
  // written.
  [[nodiscard]] bool refused(uint64_t host) const { return refused_ == host && base_ != nullptr; }

  // Unmaps everything; slots stay.
  void flush();
  void flush_page(uint64_t linear);
  // Unmaps everything and gives up all slots.
  void clear();
  // Gives up all slots until resume(), which keeps of what is mapped what the page tables of the current
  // address space still say for user code: true unless that is less than half of it.
  void suspend();
  bool resume();
  // Takes the right to store from a guest-physical page, wherever it is mapped here.
  void protect(GuestAddress page);

 private:
  struct Page {
    uint32_t slot;
    uint32_t number;  // within the slot's region
  };
  // A piece that fill() mapped. `frames_` says what of it is still so.
  struct Run {
    Page first;
    uint32_t count;
    uint32_t frame;
    bool writable;
  };
  bool keep(const Run& run);
  [[nodiscard]] uint64_t window(uint32_t slot) const;
  [[nodiscard]] std::optional<Page> page_at(uint64_t host) const;
  [[nodiscard]] uint32_t& frame(Page page);
  bool map(Page page, uint32_t count, GuestAddress physical, bool writable);
  void note_stores(GuestAddress physical, uint32_t count);
  [[nodiscard]] bool note_and_hold_no_code(GuestAddress physical, uint32_t count, bool stores);
  [[nodiscard]] bool holds_no_code(GuestAddress physical, uint32_t count) const;
  void unmap(Page page, uint32_t count);
  void unmap_all();

  Context& context_;
  GuestMemory& memory_;
  CodePages& pages_;
  std::mutex mutex_;  // against protect()
  uint8_t* base_ = nullptr;
  uint32_t* frames_ =
      nullptr;  // what each page of each slot shows: 0, or frame number + 1 and kFrameWritable
  std::vector<Run> runs_;
  std::array<DirectSlot, kDirectSlots> suspended_{};
  uint64_t refused_ = 0;
};

}  // namespace cumulet::hypervisor
