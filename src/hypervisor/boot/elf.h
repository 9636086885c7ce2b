// ElfImage: the parts of an x86 ELF executable that a boot loader needs, checked against the file's size.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// One PT_LOAD. Invariant: its bytes lie in the file and are not more than memory_size; the addresses do not
// wrap.
struct ElfSegment {
  GuestAddress physical;
  uint64_t virtual_address;
  uint64_t memory_size;             // bytes; what is beyond file_size is zeros
  uint64_t file_offset, file_size;  // bytes
};

struct ElfImage {
  bool is_64bit = false;
  uint64_t entry = 0;                 // as in the header
  std::vector<ElfSegment> segments;   // in file order, the empty ones left out
  std::optional<uint64_t> pvh_entry;  // of the ELF note XEN_ELFNOTE_PHYS32_ENTRY
  uint64_t file_end = 0;              // one past the last byte in the file of all segments and notes

  // Lowest and one past the highest physical address of all segments. Precondition: there is a segment.
  [[nodiscard]] GuestAddress start() const;
  [[nodiscard]] GuestAddress end() const;
};

// True if the file begins with ELF's magic.
bool is_elf(ByteView file);

// Parses headers, segments and notes of a file that begins with `head` and has `file_size` bytes. Errors
// kInvalidArgument: not an x86 ELF executable, any offset or length that lies outside the file, or program
// headers outside `head`. Notes are looked for in `head` only.
Result<ElfImage> parse_elf(ByteView head, uint64_t file_size);
inline Result<ElfImage> parse_elf(ByteView file) { return parse_elf(file, file.size()); }

// Copies the segments of `file`, which `image` was parsed from, to their physical addresses. Error
// kInvalidArgument when one does not fit in RAM at or above `lowest` (it says how much RAM the image wants).
Result<void> load_elf(GuestMemory& memory, ByteView file, const ElfImage& image, GuestAddress lowest);

// The same for a file that comes in pieces, in any order and from several threads at once: first begin, then
// every piece. Errors kInvalidArgument: those of load_elf(), and segments that overlap in memory, because
// then the order would matter.
Result<void> begin_elf_load(GuestMemory& memory, const ElfImage& image, GuestAddress lowest);
void load_elf_piece(GuestMemory& memory, const ElfImage& image, uint64_t file_offset, ByteView piece);

}  // namespace cumulet::hypervisor
