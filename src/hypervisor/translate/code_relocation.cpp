// The kinds of fields that translated code has, found by comparing and filled by adding.
#include "hypervisor/translate/code_relocation.h"

#include <algorithm>
#include <array>
#include <optional>

#include "hypervisor/translate/context.h"

namespace cumulet::hypervisor {

namespace {
// How often each member of a Placement is in a field of `size` bytes.
struct Kind {
  uint8_t size;
  int8_t stubs, hot, cold, links, pages;
};
constexpr int8_t kSlotSize = sizeof(LinkSlot), kPageSlotSize = sizeof(PageBase);
constexpr std::array<Kind, kCodeFieldKinds> kKinds = {{
    {8, 0, 1, 0, 0, 0},   // an address in the hot code
    {8, 0, 0, 1, 0, 0},   // in the cold code
    {8, 1, 0, 0, 0, 0},   // of a stub
    {4, 0, -1, 1, 0, 0},  // relative, from hot code to cold code
    {4, 1, -1, 0, 0, 0},  // from hot code to a stub
    {4, 0, 1, -1, 0, 0},  // from cold code to hot code
    {4, 1, 0, -1, 0, 0},  // from cold code to a stub
    {4, 0, 1, 0, 0, 0},   // the lower half of an address
    {4, 0, 0, 1, 0, 0},
    {4, 1, 0, 0, 0, 0},
    {4, -1, 1, 0, 0, 0},  // an offset in the code cache
    {4, -1, 0, 1, 0, 0},
    {4, 0, 0, 0, 1, 0},              // the number of a link
    {4, 0, 0, 0, kSlotSize, 0},      // the displacement of its slot
    {4, 0, 0, 0, 0, 1},              // the number of a page
    {4, 0, 0, 0, 0, kPageSlotSize},  // the displacement of its base
}};

uint64_t sum(const Kind& kind, const Placement& placement) {
  auto times = [](int8_t factor, uint64_t value) { return static_cast<uint64_t>(int64_t{factor}) * value; };
  return times(kind.stubs, placement.stubs) + times(kind.hot, placement.hot) +
         times(kind.cold, placement.cold) + times(kind.links, placement.first_link) +
         times(kind.pages, placement.page_number);
}

uint64_t truncated(uint64_t value, uint8_t size) {
  return size == 8 ? value : value & ((uint64_t{1} << size * 8) - 1);
}

// The kind of the field that begins at `offset`.
std::optional<uint8_t> classify(ByteView mine, ByteView others, size_t offset,
                                const std::array<uint64_t, kCodeFieldKinds>& steps) {
  for (uint8_t kind = 0; kind < kCodeFieldKinds; ++kind) {
    uint8_t size = kKinds[kind].size;
    if (size > mine.size() - offset) continue;
    uint64_t step = load_le_sized(others.subspan(offset, size)) - load_le_sized(mine.subspan(offset, size));
    if (truncated(step, size) == truncated(steps[kind], size)) return kind;
  }
  return std::nullopt;
}
}  // namespace

bool find_code_fields(MutableByteView mine, const Placement& placement, ByteView others,
                      const Placement& other, bool in_cold, std::vector<CodeField>& fields) {
  if (mine.size() != others.size()) return false;
  std::array<uint64_t, kCodeFieldKinds> steps;
  for (uint8_t kind = 0; kind < kCodeFieldKinds; ++kind)
    steps[kind] = sum(kKinds[kind], other) - sum(kKinds[kind], placement);
  for (size_t at = 0; at < mine.size(); ++at) {
    if (mine[at] == others[at]) continue;
    std::optional<uint8_t> kind = classify(mine, others, at, steps);
    if (!kind) return false;
    uint8_t size = kKinds[*kind].size;
    MutableByteView field = mine.subspan(at, size);
    store_le_sized(field, load_le_sized(field) - sum(kKinds[*kind], placement));
    fields.push_back({static_cast<uint32_t>(at), in_cold, *kind});
    at += size - 1u;
  }
  return true;
}

CodeFieldFiller::CodeFieldFiller(const Placement& placement) {
  for (size_t kind = 0; kind < kCodeFieldKinds; ++kind) sums_[kind] = sum(kKinds[kind], placement);
}

bool CodeFieldFiller::fill(MutableByteView code, const CodeField& field) const {
  if (field.kind >= kCodeFieldKinds) return false;
  bool wide = kKinds[field.kind].size == 8;
  if (field.offset > code.size() || (wide ? 8u : 4u) > code.size() - field.offset) return false;
  auto add = [&]<typename T>(T value) {
    store_le<T>(code, field.offset, static_cast<T>(load_le<T>(code, field.offset) + value));
  };
  wide ? add(sums_[field.kind]) : add(static_cast<uint32_t>(sums_[field.kind]));
  return true;
}

}  // namespace cumulet::hypervisor
