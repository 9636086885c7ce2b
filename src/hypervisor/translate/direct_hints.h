// DirectHints: what was learned about single instructions that reach memory directly.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// How an instruction reaches its memory operand in code with kModeDirect: through a slot of the DirectWindow,
// or, if that did not work out, through the checked TLB. Only hints: any answer gives right code.
//
// Not thread-safe.
class DirectHints {
 public:
  struct Hint {
    bool checked = false;
    bool sum = false;                  // the sum of base and index is to be looked at, not each
    std::optional<uint8_t> slot = {};  // nothing: not known yet
  };
  // `instruction` is the guest-physical address of an instruction.
  [[nodiscard]] Hint at(GuestAddress instruction) const;
  // It touched memory in the region of `slot`, or where none can be given.
  void note(GuestAddress instruction, std::optional<uint8_t> slot);
  // Its index was no small number.
  void note_large_index(GuestAddress instruction);

 private:
  void make_room_for(GuestAddress instruction);
  struct Entry {
    uint8_t slot;
    uint8_t changes;
    bool sum = false;
  };
  std::unordered_map<GuestAddress, Entry> entries_;
  std::bitset<1 << 16> maybe_;  // which entries there may be, by a hash: most instructions have none
};

}  // namespace cumulet::hypervisor
