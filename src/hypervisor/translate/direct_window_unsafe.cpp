// The mappings of a DirectWindow: guest RAM at addresses that translated code computes.
#include <algorithm>
#include <atomic>
#include <sys/mman.h>

#include "base/check.h"
#include "hypervisor/interpret/page_walk.h"
#include "hypervisor/translate/block.h"
#include "hypervisor/translate/direct_window.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kRegionSize = uint64_t{4} << 30;
constexpr uint32_t kPagesPerRegion = kRegionSize / kPageSize;
// Between two windows: more than an index below 4 Gi times 8, a displacement (2 GiB), and what a block may
// add to a checked register.
constexpr uint64_t kGuardSize = uint64_t{36} << 30;
constexpr uint64_t kStride = kGuardSize + kRegionSize;
constexpr uint64_t kReservation = kDirectSlots * kStride + kGuardSize;
constexpr uint64_t kFramesSize = uint64_t{kDirectSlots} * kPagesPerRegion * sizeof(uint32_t);
constexpr uint32_t kFrameWritable = 1U << 31, kFrameLarge = 1U << 30;
constexpr uint64_t kUserEnd = uint64_t{1} << 47;
constexpr uint64_t kLargePage = uint64_t{2} << 20;
constexpr int kUnmapped = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
// Every scattered page is a mapping of its own, and the system's limit for a process is 65,530.
constexpr size_t kMaxRuns = 40'000;
std::atomic<size_t> runs_of_process{0};

// Translated code names slots, and is shared by all programs that map its page. So what lies at similar
// addresses in all of them (SysV ABI for AMD64, and Linux's address space layout) gets the same slot: low
// code and data; executables and their heap; the stack; libraries and other mappings.
using Slots = std::array<uint8_t, 3>;
Slots candidate_slots(uint32_t upper) {
  if (upper == 0) return {0, 0, 0};
  if (upper < 0x5000) return {1, 7, 1};
  if (upper < 0x7000) return {2, 3, 7};
  if (upper < 0x7ff0) return {5, 6, 7};
  return {4, 7, 6};
}
}  // namespace

DirectWindow::DirectWindow(Context& context, GuestMemory& memory, CodePages& pages)
    : context_(context), memory_(memory), pages_(pages) {
  context_.direct_slots.fill({kNoRegion, 0, 0});
}

DirectWindow::~DirectWindow() {
  runs_of_process.fetch_sub(runs_.size());
  if (base_ != nullptr) munmap(base_, kReservation);
  if (frames_ != nullptr) munmap(frames_, kFramesSize);
}

bool DirectWindow::reserve() {
  if (base_ != nullptr) return true;
  void* base = mmap(nullptr, kReservation, PROT_NONE, kUnmapped, -1, 0);
  void* frames = mmap(nullptr, kFramesSize, PROT_READ | PROT_WRITE, kUnmapped, -1, 0);
  if (base == MAP_FAILED || frames == MAP_FAILED) {
    if (base != MAP_FAILED) munmap(base, kReservation);
    if (frames != MAP_FAILED) munmap(frames, kFramesSize);
    return false;
  }
  base_ = static_cast<uint8_t*>(base);
  frames_ = static_cast<uint32_t*>(frames);
  return true;
}

uint64_t DirectWindow::window(uint32_t slot) const {
  return reinterpret_cast<uint64_t>(base_) + slot * kStride + kGuardSize;
}

uint32_t& DirectWindow::frame(Page page) { return frames_[page.slot * kPagesPerRegion + page.number]; }

std::optional<uint8_t> DirectWindow::slot_of(uint64_t linear) {
  if (linear >= kUserEnd || base_ == nullptr) return std::nullopt;
  auto upper = static_cast<uint32_t>(linear >> 32);
  for (uint8_t slot : candidate_slots(upper)) {
    DirectSlot& entry = context_.direct_slots[slot];
    if (entry.upper == upper) return slot;
    if (entry.upper != kNoRegion) continue;
    entry.delta = window(slot) - (uint64_t{upper} << 32);
    entry.upper = upper;
    return slot;
  }
  return std::nullopt;
}

std::optional<DirectWindow::Page> DirectWindow::page_at(uint64_t host) const {
  uint64_t offset = host - reinterpret_cast<uint64_t>(base_);
  if (base_ == nullptr || offset >= kReservation || offset % kStride < kGuardSize) return std::nullopt;
  auto slot = static_cast<uint32_t>(offset / kStride);
  if (slot >= kDirectSlots || context_.direct_slots[slot].upper == kNoRegion) return std::nullopt;
  return Page{slot, static_cast<uint32_t>((offset % kStride - kGuardSize) / kPageSize)};
}

bool DirectWindow::fill(uint64_t host, bool write) {
  refused_ = 0;
  std::optional<Page> page = page_at(host);
  if (!page) return false;
  uint64_t linear =
      (uint64_t{context_.direct_slots[page->slot].upper} << 32) + uint64_t{page->number} * kPageSize;
  auto walked = walk_page(context_.cpu, linear, write ? AccessType::kWrite : AccessType::kRead);
  const auto* translation = std::get_if<Translation>(&walked);
  if (translation == nullptr) return false;
  refused_ = host;
  std::lock_guard lock(mutex_);
  if (runs_of_process.load() >= kMaxRuns) unmap_all();
  if (runs_of_process.load() >= kMaxRuns) return false;
  // A large page of the guest at once, if nothing in it is special.
  uint64_t within = linear & (kLargePage - 1);
  GuestAddress large = translation->page - within;
  constexpr uint32_t kLargeCount = kLargePage / kPageSize;
  if (translation->mapping_size >= kLargePage && translation->page >= within &&
      memory_.unsafe_host_pointer(large, kLargePage) != nullptr &&
      note_and_hold_no_code(large, kLargeCount, translation->writable)) {
    Page first{page->slot, page->number - static_cast<uint32_t>(within / kPageSize)};
    return map(first, kLargeCount, large, translation->writable);
  }
  if (memory_.unsafe_host_pointer(translation->page, kPageSize) == nullptr) return false;
  if (translation->writable) note_stores(translation->page, 1);
  bool writable = translation->writable && holds_no_code(translation->page, 1);
  if (write && !writable) return false;
  return map(*page, 1, translation->page, writable);
}

// CodeSpace first sets the chunks of a page, then looks at its storers and calls protect(): one of the two
// sees the other.
void DirectWindow::note_stores(GuestAddress physical, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i)
    if (CodePage* page = pages_.page(physical + i * kPageSize); page != nullptr)
      CodePages::note_window(*page);
}

bool DirectWindow::note_and_hold_no_code(GuestAddress physical, uint32_t count, bool stores) {
  if (!holds_no_code(physical, count)) return false;
  if (stores) note_stores(physical, count);
  return !stores || holds_no_code(physical, count);
}

bool DirectWindow::holds_no_code(GuestAddress physical, uint32_t count) const {
  for (uint32_t i = 0; i < count; ++i) {
    const CodePage* page = pages_.page(physical + i * kPageSize);
    if (page == nullptr || page->chunks.load() != 0 || CodePages::keeps_changing(*page)) return false;
  }
  return true;
}

// Precondition: [physical, + count pages) lies in one region of RAM.
bool DirectWindow::map(Page page, uint32_t count, GuestAddress physical, bool writable) {
  auto regions = memory_.regions();
  auto region = std::find_if(regions.begin(), regions.end(), [physical](const MemoryRegion& candidate) {
    return physical - candidate.address < candidate.size;
  });
  CHECK(region != regions.end());
  auto* at =
      base_ + (window(page.slot) - reinterpret_cast<uint64_t>(base_)) + uint64_t{page.number} * kPageSize;
  auto offset = static_cast<off_t>(region->offset + (physical - region->address));
  int protection = PROT_READ | (writable ? PROT_WRITE : 0);
  if (mmap(at, count * kPageSize, protection, MAP_SHARED | MAP_FIXED | MAP_POPULATE, memory_.fd(), offset) ==
      MAP_FAILED)
    return false;
  auto number = static_cast<uint32_t>(physical / kPageSize);
  for (uint32_t i = 0; i < count; ++i)
    frame({page.slot, page.number + i}) =
        (number + i + 1) | (writable ? kFrameWritable : 0) | (count > 1 ? kFrameLarge : 0);
  runs_.push_back({page, count, number, writable});
  runs_of_process.fetch_add(1);
  return true;
}

void DirectWindow::unmap(Page page, uint32_t count) {
  auto* at =
      base_ + (window(page.slot) - reinterpret_cast<uint64_t>(base_)) + uint64_t{page.number} * kPageSize;
  CHECK(mmap(at, count * kPageSize, PROT_NONE, kUnmapped | MAP_FIXED, -1, 0) != MAP_FAILED);
  for (uint32_t i = 0; i < count; ++i) frame({page.slot, page.number + i}) = 0;
}

void DirectWindow::unmap_all() {
  if (runs_.empty()) return;
  for (const Run& run : runs_)
    for (uint32_t i = 0; i < run.count; ++i) frame({run.first.slot, run.first.number + i}) = 0;
  CHECK(mmap(base_, kReservation, PROT_NONE, kUnmapped | MAP_FIXED, -1, 0) != MAP_FAILED);
  runs_of_process.fetch_sub(runs_.size());
  runs_.clear();
}

void DirectWindow::flush() {
  std::lock_guard lock(mutex_);
  unmap_all();
}

void DirectWindow::clear() {
  flush();
  context_.direct_slots.fill({kNoRegion, 0, 0});
}

void DirectWindow::suspend() {
  suspended_ = context_.direct_slots;
  context_.direct_slots.fill({kNoRegion, 0, 0});
}

bool DirectWindow::resume() {
  context_.direct_slots = suspended_;
  std::lock_guard lock(mutex_);
  size_t dropped = std::erase_if(runs_, [this](const Run& run) { return !keep(run); });
  runs_of_process.fetch_sub(dropped);
  return dropped <= runs_.size();
}

// False: it is no longer there, or no longer right, and is unmapped.
bool DirectWindow::keep(const Run& run) {
  uint32_t shown = frame(run.first) & ~(kFrameWritable | kFrameLarge);
  if (shown != run.frame + 1) return false;
  uint64_t linear =
      (uint64_t{context_.direct_slots[run.first.slot].upper} << 32) + uint64_t{run.first.number} * kPageSize;
  auto walked = walk_page(context_.cpu, linear, AccessType::kRead);
  const auto* now = std::get_if<Translation>(&walked);
  bool right = now != nullptr && now->page == run.frame * uint64_t{kPageSize} &&
               (now->writable || !run.writable) && (run.count == 1 || now->mapping_size >= kLargePage);
  if (!right) unmap(run.first, run.count);
  return right;
}

// invlpg drops the whole mapping that holds the address (SDM volume 3, 4.10.4.1). Large ones are filled in
// pieces of 2 MiB, and are rarely flushed: then everything goes.
void DirectWindow::flush_page(uint64_t linear) {
  auto upper = static_cast<uint32_t>(linear >> 32);
  for (uint32_t slot = 0; slot < kDirectSlots; ++slot) {
    if (context_.direct_slots[slot].upper != upper || linear >= kUserEnd) continue;
    Page page{slot, static_cast<uint32_t>((linear & (kRegionSize - 1)) / kPageSize)};
    if (frame(page) == 0) return;
    std::lock_guard lock(mutex_);
    if ((frame(page) & kFrameLarge) != 0) return unmap_all();
    unmap(page, 1);
    return;
  }
}

void DirectWindow::protect(GuestAddress page) {
  std::lock_guard lock(mutex_);
  auto number = static_cast<uint32_t>(page / kPageSize);
  for (const Run& run : runs_) {
    if (number - run.frame >= run.count) continue;
    Page at{run.first.slot, run.first.number + (number - run.frame)};
    if ((frame(at) & ~kFrameLarge) != ((number + 1) | kFrameWritable)) continue;
    auto* address =
        base_ + (window(at.slot) - reinterpret_cast<uint64_t>(base_)) + uint64_t{at.number} * kPageSize;
    CHECK(mprotect(address, kPageSize, PROT_READ) == 0);
    frame(at) &= ~kFrameWritable;
  }
}

}  // namespace cumulet::hypervisor
