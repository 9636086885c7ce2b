// ElfImage: the parts of an x86 ELF executable that a boot loader needs, checked against the file's size.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// One PT_LOAD. Invariant: `bytes` lies in the file and is not longer than memory_size; the range does not
// wrap.
struct ElfSegment {
  GuestAddress physical;
  uint64_t virtual_address;
  uint64_t memory_size;  // bytes; what is beyond `bytes` is zeros
  ByteView bytes;        // into the file
};

struct ElfImage {
  bool is_64bit = false;
  uint64_t entry = 0;                 // as in the header
  std::vector<ElfSegment> segments;   // in file order, the empty ones left out
  std::optional<uint64_t> pvh_entry;  // of the ELF note XEN_ELFNOTE_PHYS32_ENTRY

  // Lowest and one past the highest physical address of all segments. Precondition: there is a segment.
  [[nodiscard]] GuestAddress start() const;
  [[nodiscard]] GuestAddress end() const;
};

// True if the file begins with ELF's magic.
bool is_elf(ByteView file);

// Parses headers, segments and notes; the result points into `file`. Errors kInvalidArgument: not an x86 ELF
// executable, or any offset or length that lies outside the file.
Result<ElfImage> parse_elf(ByteView file);

// Copies the segments to their physical addresses. Error kInvalidArgument when one does not fit in RAM at or
// above `lowest` (it says how much RAM the image wants).
Result<void> load_elf(GuestMemory& memory, const ElfImage& image, GuestAddress lowest);

}  // namespace cumulet::hypervisor
