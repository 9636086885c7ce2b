// Filling the TLB lines whose host pointers translated code follows.
#include "hypervisor/interpret/page_walk.h"
#include "hypervisor/translate/code_space.h"
#include "hypervisor/translate/software_tlb.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kSize2M = uint64_t{2} << 20, kSize1G = uint64_t{1} << 30;
constexpr uint64_t kListed = kTlbInGlobalList | kTlbInLocalList;

bool is_canonical(uint64_t linear) {
  return static_cast<uint64_t>(static_cast<int64_t>(linear << 16) >> 16) == linear;
}

void invalidate(const Context& context, TlbEntry& line) {
  line.read_tag = invalid_tag(context, line);
  line.write_tag.store(line.read_tag, std::memory_order_relaxed);
  line.host = 0;
  line.physical.store(line.physical.load(std::memory_order_relaxed) & kListed, std::memory_order_relaxed);
}
}  // namespace

SoftwareTlb::SoftwareTlb(Context& context, CodeSpace* space) : context_(context), space_(space) {
  for (uint32_t table = 0; table < context_.tlb.size(); ++table) {
    for (uint32_t index = 0; index < tlb_entries_of(table); ++index) {
      TlbEntry& entry = context_.tlb[table][index];
      entry.physical.store(0, std::memory_order_relaxed);
      invalidate(context_, entry);
    }
  }
}

uint64_t SoftwareTlb::resolve(uint64_t linear, uint64_t size, bool write, uint64_t host_rip,
                              Exception* fault) {
  if ((linear & ~kPageMask) + size > kPageSize || !is_canonical(linear)) return 0;
  auto walked = walk_page(context_.cpu, linear, write ? AccessType::kWrite : AccessType::kRead);
  const auto* translation = std::get_if<Translation>(&walked);
  if (translation == nullptr && fault != nullptr) *fault = *std::get_if<Exception>(&walked);
  if (translation == nullptr) return 0;
  uint32_t number = tlb_of(code_mode(context_.cpu)) * kTlbEntries + tlb_index(linear);
  return fill(number, linear, size, write, *translation, host_rip);
}

uint64_t SoftwareTlb::resolve_string_source(uint64_t linear, uint64_t size, Exception* fault) {
  if ((linear & ~kPageMask) + size > kPageSize || !is_canonical(linear)) return 0;
  auto walked = walk_page(context_.cpu, linear, AccessType::kRead);
  const auto* translation = std::get_if<Translation>(&walked);
  if (translation == nullptr) *fault = *std::get_if<Exception>(&walked);
  if (translation == nullptr) return 0;
  uint32_t table = kStringSourceTable + tlb_of(code_mode(context_.cpu));
  uint32_t number = table * kTlbEntries + string_source_index(linear);
  return fill(number, linear, size, false, *translation, 0);
}

uint64_t SoftwareTlb::resolve_system(uint64_t linear, uint64_t size, bool write) {
  constexpr uint32_t kSystemTable = 0;  // CPL 0 without EFLAGS.AC has the same rights
  if ((linear & ~kPageMask) + size > kPageSize || !is_canonical(linear)) return 0;
  auto walked = walk_page(context_.cpu, linear, write ? AccessType::kWrite : AccessType::kRead,
                          AccessPrivilege::kImplicitSupervisor);
  const auto* translation = std::get_if<Translation>(&walked);
  uint32_t number = kSystemTable * kTlbEntries + tlb_index(linear);
  return translation == nullptr ? 0 : fill(number, linear, size, write, *translation, 0);
}

uint64_t SoftwareTlb::fill(uint32_t number, uint64_t linear, uint64_t size, bool write,
                           const Translation& found, uint64_t host_rip) {
  uint64_t offset = linear & ~kPageMask;
  Cpu& cpu = context_.cpu;
  uint8_t* pointer = cpu.memory->unsafe_host_pointer(found.page, kPageSize);
  CodePage* code = space_ == nullptr ? nullptr : space_->pages().page(found.page);
  if (pointer == nullptr || code == nullptr) return 0;
  space_->ram_ahead().touched(pointer);
  auto host = reinterpret_cast<uint64_t>(pointer);

  uint64_t tag = linear & kPageMask;
  TlbEntry& entry = line(number);
  entry.write_tag.store(invalid_tag(number), std::memory_order_relaxed);
  note_filled(number, linear, found);
  entry.host = host;
  entry.read_tag = tag;
  bool loads_only = number >= kStringSourceTable * kTlbEntries;
  if (found.writable && !loads_only && code->chunks.load() == 0) {
    // The order that CodePages needs: the right to store, the note, the look.
    entry.write_tag.store(tag);
    CodePages::note_storer(*code, context_.first_storer + number);
    if (code->chunks.load() == 0) return host + offset;
    entry.write_tag.store(invalid_tag(number));
  }
  if (!write) return host + offset;
  if (!allow_store_to_code(*code, number, found.page + offset, size, host_rip)) return 0;
  if (code->chunks.load() == 0) {  // what was dropped was the last code there
    entry.write_tag.store(tag);
    CodePages::note_storer(*code, context_.first_storer + number);
    if (code->chunks.load() != 0) entry.write_tag.store(invalid_tag(number));
  }
  return host + offset;
}

// A page with both code and data: this line's stores look at the page's chunks first. False: the store hits
// code, which cannot be dropped now.
bool SoftwareTlb::allow_store_to_code(CodePage& code, uint32_t number, GuestAddress address, uint64_t size,
                                      uint64_t host_rip) {
  line(number).physical.fetch_or(kTlbCodeStore);
  CodePages::note_storer(code, context_.first_storer + number);
  if ((code.chunks.load() & CodePages::chunks(address & ~kPageMask, size)) == 0) return true;
  return host_rip != 0 && space_->drop_for_store(context_, address, size, host_rip);
}

// Sets entry.physical, and puts the line on the list where flushes look for it.
void SoftwareTlb::note_filled(uint32_t number, uint64_t linear, const Translation& found) {
  TlbEntry& entry = line(number);
  uint64_t listed = entry.physical.load(std::memory_order_relaxed) & kListed;
  uint64_t wanted = found.global ? kTlbInGlobalList : kTlbInLocalList;
  if ((listed & wanted) == 0) {
    List& list = found.global ? global_ : local_;
    list.lines[list.count++] = static_cast<uint16_t>(number);
  }
  uint64_t bits = listed | wanted | (found.global ? kTlbGlobal : 0);
  if (found.mapping_size == kSize2M || found.mapping_size == 2 * kSize2M) bits |= kTlbLarge2M;
  if (found.mapping_size == kSize1G) bits |= kTlbLarge1G;
  entry.physical.store(found.page | bits, std::memory_order_relaxed);
  if ((bits & kTlbLarge2M) != 0) large_[0][(linear >> 22) % kFilterBits] = true;
  if ((bits & kTlbLarge1G) != 0) large_[1][(linear >> 30) % kFilterBits] = true;
}

bool SoftwareTlb::may_hold_large(uint64_t linear) const {
  return large_[0][(linear >> 22) % kFilterBits] || large_[1][(linear >> 30) % kFilterBits];
}

template <typename Drop>
void SoftwareTlb::flush_if(Drop drop) {
  for (const List* list : {&global_, &local_}) {
    for (uint32_t i = 0; i < list->count; ++i) {
      TlbEntry& entry = line(list->lines[i]);
      if (drop(entry)) invalidate(context_, entry);
    }
  }
}

void SoftwareTlb::flush_all() {
  for (List* list : {&global_, &local_}) {
    for (uint32_t i = 0; i < list->count; ++i) {
      TlbEntry& entry = line(list->lines[i]);
      invalidate(context_, entry);
      entry.physical.store(0, std::memory_order_relaxed);
    }
    list->count = 0;
  }
  for (auto& filter : large_)
    for (bool& bit : filter) bit = false;
}

void SoftwareTlb::flush_non_global() {
  for (uint32_t i = 0; i < local_.count; ++i) {
    TlbEntry& entry = line(local_.lines[i]);
    if ((entry.physical.load(std::memory_order_relaxed) & kTlbGlobal) == 0) invalidate(context_, entry);
    entry.physical.store(entry.physical.load(std::memory_order_relaxed) & ~kTlbInLocalList,
                         std::memory_order_relaxed);
  }
  local_.count = 0;
}

// invlpg drops the whole mapping that holds the address (SDM volume 3, 4.10.4.1), of which lines are 4 KiB
// pieces.
void SoftwareTlb::flush_page(uint64_t linear) {
  if (!may_hold_large(linear)) {
    for (uint32_t table = 0; table < context_.tlb.size(); ++table) {
      TlbEntry& entry = context_.tlb[table][tlb_index(linear) % tlb_entries_of(table)];
      if (entry.read_tag == (linear & kPageMask)) invalidate(context_, entry);
    }
    return;
  }
  flush_if([linear](const TlbEntry& entry) {
    uint64_t bits = entry.physical.load();
    uint64_t size = (bits & kTlbLarge1G) != 0 ? kSize1G : (bits & kTlbLarge2M) != 0 ? 2 * kSize2M : kPageSize;
    return ((entry.read_tag ^ linear) & ~(size - 1)) == 0;
  });
}

}  // namespace cumulet::hypervisor
