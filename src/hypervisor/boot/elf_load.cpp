// Placing an ELF file's segments in guest RAM: from a whole file, or from pieces of it.
#include <algorithm>
#include <cstdio>
#include <string>

#include "base/check.h"
#include "hypervisor/boot/elf.h"

namespace cumulet::hypervisor {

namespace {

std::string hex(uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof(text), "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

Result<void> check_placement(const GuestMemory& memory, const ElfImage& image, GuestAddress lowest) {
  if (image.start() < lowest)
    return fail(ErrorCode::kInvalidArgument,
                "the kernel wants to be loaded at " + hex(image.start()) + ", below " + hex(lowest));
  for (const ElfSegment& segment : image.segments) {
    if (!memory.contains(segment.physical, segment.memory_size))
      return fail(ErrorCode::kInvalidArgument,
                  "the kernel does not fit into the guest's memory: it needs RAM up to " + hex(image.end()) +
                      " (" + std::to_string((image.end() + (1 << 20) - 1) >> 20) + " MiB)");
  }
  return {};
}

void clear_rest(GuestMemory& memory, const ElfSegment& segment) {
  CHECK(memory.zero(segment.physical + segment.file_size, segment.memory_size - segment.file_size));
}

}  // namespace

Result<void> load_elf(GuestMemory& memory, ByteView file, const ElfImage& image, GuestAddress lowest) {
  TRY_VOID(check_placement(memory, image, lowest));
  for (const ElfSegment& segment : image.segments) {
    CHECK(memory.load(segment.physical, file.subspan(segment.file_offset, segment.file_size)));
    clear_rest(memory, segment);
  }
  return {};
}

Result<void> begin_elf_load(GuestMemory& memory, const ElfImage& image, GuestAddress lowest) {
  TRY_VOID(check_placement(memory, image, lowest));
  std::vector<ElfSegment> sorted = image.segments;
  std::ranges::sort(sorted, {}, &ElfSegment::physical);
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i].physical - sorted[i - 1].physical < sorted[i - 1].memory_size)
      return fail(ErrorCode::kInvalidArgument, "segments of the ELF file overlap in memory");
  }
  for (const ElfSegment& segment : image.segments) clear_rest(memory, segment);
  return {};
}

void load_elf_piece(GuestMemory& memory, const ElfImage& image, uint64_t file_offset, ByteView piece) {
  uint64_t piece_end = file_offset + piece.size();
  for (const ElfSegment& segment : image.segments) {
    uint64_t begin = std::max(file_offset, segment.file_offset);
    uint64_t end = std::min(piece_end, segment.file_offset + segment.file_size);
    if (begin >= end) continue;
    GuestAddress address = segment.physical + (begin - segment.file_offset);
    CHECK(memory.load(address, piece.subspan(begin - file_offset, end - begin)));
  }
}

}  // namespace cumulet::hypervisor
