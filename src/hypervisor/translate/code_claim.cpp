// Claiming pages as code: taking their stores away from every vCPU, and keeping vCPUs out meanwhile.
#include "base/check.h"
#include "hypervisor/translate/code_space.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint32_t kLinesPerVcpu = kTlbCount * kTlbEntries;

TlbEntry& line_at(Context& context, uint32_t number) {
  return context.tlb[number / kTlbEntries][number % kTlbEntries];
}

bool may_store(const TlbEntry& line, GuestAddress page, uint64_t invalid) {
  uint64_t physical = line.physical.load();
  if ((physical & kPageMask) != page) return false;
  return (physical & kTlbCodeStore) != 0 || line.write_tag.load() != invalid;
}
}  // namespace

// Marks bytes of one page as code.
void CodeSpace::claim(GuestAddress address, uint64_t size, const Gate& gate) {
  claim_page(address & kPageMask, CodePages::chunks(address & ~kPageMask, size), gate);
}

void CodeSpace::claim_page(GuestAddress page, uint64_t chunks, const Gate& gate) {
  CodePage& entry = *pages_.page(page);
  uint64_t before = entry.chunks.fetch_or(chunks);
  wait_for_dropping_stores(page, gate);
  if ((before & chunks) == chunks) return;
  uint32_t storers = entry.storers.load();
  if (storers == CodePages::kNobody) return;
  // This vCPU is not about to store anything: its lines that look at the chunks may go on doing so.
  for (Vcpu& vcpu : vcpus_) {
    bool only = storers - vcpu.context->first_storer < kLinesPerVcpu;
    if (vcpu.gate == &gate && only && before != 0) return;
  }
  storers = entry.storers.exchange(CodePages::kNobody);
  for (Vcpu& vcpu : vcpus_) {
    if (before == 0 && (storers & CodePages::kWindow) != 0) vcpu.window->protect(page);
    take_stores(vcpu, page, storers & ~CodePages::kWindow, vcpu.gate == &gate);
  }
}

// A store that dropped code may be about to happen in a chunk that still holds other code.
void CodeSpace::wait_for_dropping_stores(GuestAddress page, const Gate& gate) {
  for (Vcpu& vcpu : vcpus_) {
    if (vcpu.gate == &gate || vcpu.context->dropping_store_page != page) continue;
    if (!others_held_) {
      vcpu.gate->stop();
      vcpu.gate->wait_until_out();
      vcpu.gate->resume();
    }
    vcpu.context->dropping_store_page = kNoPage;
  }
}

// `storers` is what was noted.
void CodeSpace::take_stores(Vcpu& vcpu, GuestAddress page, uint32_t storers, bool self) {
  uint32_t first = 0, end = kLinesPerVcpu;
  if (storers != CodePages::kMany) {
    first = storers - vcpu.context->first_storer;
    end = first + 1;
    if (first >= kLinesPerVcpu) return;
  }
  bool stopped = false;
  for (uint32_t number = first; number < end; ++number) {
    TlbEntry& line = line_at(*vcpu.context, number);
    if (!may_store(line, page, invalid_tag(number))) continue;
    // Only a single line keeps a right: several would have to be looked for each time.
    if (self && storers != CodePages::kMany) {
      line.write_tag.store(invalid_tag(number));
      line.physical.fetch_or(kTlbCodeStore);
      CodePages::note_storer(*pages_.page(page), vcpu.context->first_storer + number);
      continue;
    }
    // It may be between its check and its store: wait until it is at a block's start or out.
    if (!self && !stopped && !others_held_) {
      vcpu.gate->stop();
      vcpu.gate->wait_until_out();
    }
    stopped |= !self;
    line.write_tag.store(invalid_tag(number));
    line.physical.fetch_and(~kTlbCodeStore);
  }
  if (stopped && !others_held_) vcpu.gate->resume();
}

// Keeps all other vCPUs out, if none is inside.
bool CodeSpace::hold_others(const Gate& gate) {
  for (Vcpu& vcpu : vcpus_) {
    if (vcpu.gate == &gate || vcpu.gate->hold()) continue;
    for (Vcpu* held = vcpus_.data(); held != &vcpu; ++held)
      if (held->gate != &gate) held->gate->resume();
    return false;
  }
  others_held_ = true;
  return true;
}

void CodeSpace::release_others(const Gate& gate) {
  others_held_ = false;
  for (Vcpu& vcpu : vcpus_)
    if (vcpu.gate != &gate) vcpu.gate->resume();
}

}  // namespace cumulet::hypervisor
