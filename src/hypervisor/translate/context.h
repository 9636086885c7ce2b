// Context: what translated code reaches through the GS base; one a vCPU.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "hypervisor/interpret/cpu.h"
#include "hypervisor/translate/access_site.h"
#include "hypervisor/translate/mode.h"

namespace cumulet::hypervisor {

// The tag of a TLB line that allows nothing. A guest may compute any address, one in such a page too; so the
// page is one whose addresses belong to other lines.
inline constexpr uint64_t kInvalidTag = uint64_t{1} << 62;
constexpr uint64_t invalid_tag(uint32_t line) { return kInvalidTag | uint64_t{~line & 1} << 12; }

// One line of the TLB that translated code checks inline. A tag is the linear address of a page whose loads
// (or stores) may go to `host`, or invalid_tag(); `host` is 0 when both are invalid, so that even a wild
// address that happens to match ends in a fault on the null page.
struct TlbEntry {
  uint64_t read_tag;
  std::atomic<uint64_t> write_tag;  // other vCPUs look at it when a page becomes code
  uint64_t host;                    // address of the page in this process
  std::atomic<uint64_t> physical;   // guest-physical page, and kTlb… bits
};
// A kernel with a few processes keeps a thousand pages in use; with 512 lines a third of the fills were
// conflicts.
inline constexpr uint32_t kTlbEntryBits = 11;
inline constexpr uint32_t kTlbEntries = 1 << kTlbEntryBits;
inline constexpr uint32_t kTlbEntryShift = 5;
static_assert(sizeof(TlbEntry) == 1 << kTlbEntryShift);
constexpr uint32_t tlb_index(uint64_t linear) {
  return static_cast<uint32_t>(linear >> 12) & (kTlbEntries - 1);
}
// The source of rep movs has tables of its own, for loads only, after the others: it is often a multiple of a
// table's reach from the destination, and each page would take the other's line. They are smaller: a vCPU's
// start touches all lines.
inline constexpr uint32_t kStringSourceTable = kTlbCount;
inline constexpr uint32_t kStringSourceEntries = 1024;
constexpr uint32_t string_source_index(uint64_t linear) { return tlb_index(linear) % kStringSourceEntries; }
constexpr uint32_t tlb_entries_of(uint32_t table) {
  return table < kStringSourceTable ? kTlbEntries : kStringSourceEntries;
}
inline constexpr uint64_t kTlbGlobal = 1, kTlbLarge2M = 4, kTlbLarge1G = 8;
// The line is on SoftwareTlb's list of lines filled with global translations, or with others.
inline constexpr uint64_t kTlbInGlobalList = 2, kTlbInLocalList = 32;
// Stores are allowed to parts of the page that hold no code (CodePage), by the stub that misses go to.
inline constexpr uint64_t kTlbCodeStore = 16;

// The jump cache, one table a mode: for the low bits of a linear address, the indirect entry (Block) of a
// block that begins at such an address, or the indirect_miss stub. The entry verifies the whole address.
inline constexpr uint32_t kJumpEntryBits = 16;
inline constexpr uint32_t kJumpEntries = 1 << kJumpEntryBits;
constexpr uint32_t jump_index(uint64_t rip) { return static_cast<uint32_t>(rip) & (kJumpEntries - 1); }

// The most direct jumps in the code cache at a time; each has a slot (LinkSlots).
inline constexpr uint32_t kLinkSlots = 1 << 20;

// Where a direct jump goes that cannot be patched, and where it went when its slot was last filled.
struct LinkSlot {
  uint64_t code;  // host address
  uint64_t hint;  // a LinkHint; 0 = none
};

// Where a page of user code lies in the address space of the moment (PageBases).
struct PageBase {
  uint64_t base;  // linear address, or kNoBase
  // For indirect entries: minus the base in those of the kind of code that the page has at the moment,
  // without or with kModeDirect; minus kNoBase in the others.
  std::array<uint64_t, 2> minus_base;
  uint64_t generation;  // of PageBases; says whether the rest holds
};
inline constexpr uint32_t kPageBases = 1 << 16;
// Of a page that no user code was found in yet. No page begins there; so an entry for indirect jumps, which
// jump tables hold under the lower bits of the target, verifies no target with it.
inline constexpr uint64_t kNoBase = 0x800;
// No page's number; its base is 0, so what is relative to it is a linear address.
inline constexpr uint32_t kNoPageNumber = 0;

// A region of 4 GiB that translated user code reaches directly (DirectWindow): addresses whose upper 32 bits
// are `upper` lie `delta` further in this process.
struct DirectSlot {
  uint32_t upper;
  uint32_t unused;
  uint64_t delta;
};
inline constexpr uint32_t kDirectSlots = 8;
// The upper half of no canonical address.
inline constexpr uint32_t kNoRegion = 0x8000'0000;

class SoftwareTlb;
class QuickLookup;
class PageSeams;

// A bit of Context::link with LeaveReason::kRegionMiss: not an address was in another region, but an index
// too large.
inline constexpr uint64_t kIndexMiss = uint64_t{1} << 31;

// Why translated code came back to the dispatcher.
enum class LeaveReason : uint32_t {
  kLink,               // a direct jump that may be chained: `link` says which
  kDropped,            // a dropped block was begun: `link` is its number
  kLookup,             // state.rip has no known translation
  kIndirect,           // the same, and an indirect jump went there: `jump_site` says which
  kInterpretGeneral,   // the interpreter must execute the instruction at state.rip, which needs no extended
                       // state
  kInterpret,          // the same for any instruction
  kNativeFault,        // a signal in translated code: `host_rip` says where
  kChangeTranslation,  // mov to CR3 or invlpg at state.rip: Context::operand, miss_linear
  kStoreToCode,        // an access that may store to translated code: as at AccessSite, nothing undone
  kRegionMiss,         // a check of user code's direct memory: miss_upper, miss_linear and link say which
  kDone,               // C++ called from translated code has dealt with the reason, and wants the dispatcher
};

// What undoes an indirect jump whose target is not canonical, so that the interpreter can do it again; lies
// in the code cache.
struct JumpSite {
  uint64_t guest_rip;  // from the base of page_number on
  int32_t undo;        // to be added to rsp
  uint32_t page_number;
};

// zmm0 to zmm31 and k0 to k7; without AVX-512, ymm0 to ymm15.
inline constexpr uint32_t kWideSaveRegisters = 32, kWideSaveMasks = 8;
inline constexpr uint32_t kVectorSaveSize = kWideSaveRegisters * 64 + kWideSaveMasks * 8;

// Laid out for translated code; `cpu` is what C++ works on. Lives in a mapping of its own.
struct alignas(4096) Context {
  // Every block begins with a store to this page. Protecting it stops the vCPU at the next block.
  std::array<uint8_t, 4096> poll_page;

  std::array<uint64_t, 3>
      spill;             // guest values of: the address scratch, the index scratch, rax under FlagsPlace
  uint64_t saved_flags;  // lahf/seto form
  uint64_t temporary;
  uint64_t string_rest;  // elements of a repeated string instruction that come after the run in rcx, else 0
  uint64_t target;       // host code address to continue at
  uint64_t host_rsp;
  uint64_t host_flags;    // the guest's arithmetic flags (and host bits) when it left
  uint64_t resume_flags;  // those to enter with, in lahf/seto form
  uint64_t link;
  uint32_t page_number;    // of LeaveStubs
  uint32_t jump_site;      // low half of the JumpSite's address
  uint64_t host_rip;       // of a native fault
  uint64_t fault_address;  // si_addr of a native fault
  uint64_t miss_linear;
  uint64_t miss_site;  // of the AccessSite; translated code sets the low half
  uint64_t xsave_area;
  void* owner;  // the vCPU, for the leave handler
  SoftwareTlb* filler;
  QuickLookup* lookup;  // may be null
  PageSeams* seams;
  uint32_t operand;  // of a system instruction: a QuickOperand
  LeaveReason reason;
  uint32_t host_mxcsr;
  uint32_t guest_mxcsr;     // while C++ is called
  uint32_t extended_state;  // components that the guest has in the host's registers: bits of XCR0
  WideLayout wide_layout;
  FpuLevel fpu_level;        // of the guest's state now, for kernel code
  uint8_t interrupt_wanted;  // the machine waits for IF: sti must leave
  // The page that the last store hit which dropped blocks, until whoever makes blocks of that page has seen
  // this vCPU out. Under CodeSpace's lock.
  uint64_t dropping_store_page;
  uint32_t first_storer;  // the number of its first TLB line among all vCPUs' (CodePages::note_storer)
  uint32_t miss_upper;    // upper half of the address that is not in the slot's region
  std::array<DirectSlot, kDirectSlots> direct_slots;
  alignas(64) std::array<uint8_t, kVectorSaveSize> vector_save;

  std::array<std::array<TlbEntry, kTlbEntries>, 2 * kTlbCount> tlb;

  Cpu cpu;

  // Large, and touched where used only.
  alignas(4096) std::array<std::array<uint64_t, kJumpEntries>, kModeCount> jumps;
  std::array<LinkSlot, kLinkSlots> link_slots;
  std::array<PageBase, kPageBases> page_bases;
};

// The table of a mode; user code has the same one with direct access to memory and without.
inline const std::array<uint64_t, kJumpEntries>& jump_table(const Context& context, CodeMode mode) {
  return context.jumps[mode % kModeCount];
}

// The displacement from the GS base of a field of `context`.
inline int32_t context_offset(const Context& context, const void* field) {
  auto base = static_cast<const char*>(static_cast<const void*>(&context));
  return static_cast<int32_t>(static_cast<const char*>(field) - base);
}

// The invalid tag of one line of `context`.
inline uint64_t invalid_tag(const Context& context, const TlbEntry& line) {
  int32_t offset = context_offset(context, &line) - context_offset(context, &context.tlb);
  return invalid_tag(static_cast<uint32_t>(offset) >> kTlbEntryShift);
}

// A Context in pages of its own. Errors: kResourceExhausted.
class ContextMapping {
 public:
  static Result<std::unique_ptr<ContextMapping>> create();
  ~ContextMapping();
  ContextMapping(const ContextMapping&) = delete;
  ContextMapping& operator=(const ContextMapping&) = delete;

  [[nodiscard]] Context& get() { return *context_; }
  // Makes every entry of the jump tables `code`, in pages that all of them share until they are written.
  // Errors: kIo, kResourceExhausted.
  Result<void> fill_jump_tables(uint64_t code);
  // Makes stores to the poll page fault, or work again. Thread-safe.
  void protect_poll_page(bool protect);

 private:
  explicit ContextMapping(Context* context) : context_(context) {}
  Context* context_;
};

}  // namespace cumulet::hypervisor
