// Bounded notes: an instruction that keeps changing regions gets the checked form.
#include "hypervisor/translate/direct_hints.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint8_t kChecked = 0xff, kUnknown = 0xfe;
constexpr uint8_t kMostChanges = 6;
constexpr size_t kMostEntries = 1 << 18;

size_t filter_index(GuestAddress instruction) { return (instruction ^ instruction >> 16) & 0xffff; }
}  // namespace

DirectHints::Hint DirectHints::at(GuestAddress instruction) const {
  if (!maybe_[filter_index(instruction)]) return {};
  auto found = entries_.find(instruction);
  if (found == entries_.end()) return {};
  const Entry& entry = found->second;
  if (entry.slot == kChecked) return {.checked = true};
  return {.sum = entry.sum, .slot = entry.slot == kUnknown ? std::nullopt : std::optional(entry.slot)};
}

void DirectHints::make_room_for(GuestAddress instruction) {
  if (entries_.size() >= kMostEntries) {
    entries_.clear();
    maybe_.reset();
  }
  maybe_.set(filter_index(instruction));
}

void DirectHints::note(GuestAddress instruction, std::optional<uint8_t> slot) {
  make_room_for(instruction);
  auto [entry, added] = entries_.try_emplace(instruction, Entry{slot.value_or(kChecked), 0});
  if (added || entry->second.slot == slot) return;  // the slot was given to another region meanwhile
  bool settled = ++entry->second.changes > kMostChanges;
  entry->second.slot = settled ? kChecked : slot.value_or(kChecked);
}

void DirectHints::note_large_index(GuestAddress instruction) {
  make_room_for(instruction);
  entries_.try_emplace(instruction, Entry{kUnknown, 0}).first->second.sum = true;
}

}  // namespace cumulet::hypervisor
