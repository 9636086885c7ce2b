// ELF headers, segments and notes (System V ABI, chapter 4 and 5), both classes.
#include "hypervisor/boot/elf.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace cumulet::hypervisor {

namespace {

constexpr std::string_view kMagic =
    "\x7f"
    "ELF";
constexpr uint8_t kClass32 = 1, kClass64 = 2, kLittleEndian = 1;
constexpr uint16_t kMachine386 = 3, kMachineX8664 = 62;
constexpr uint16_t kTypeExecutable = 2, kTypeShared = 3;
constexpr uint32_t kSegmentLoad = 1, kSegmentNote = 4;
constexpr size_t kHeaderSize32 = 52, kHeaderSize64 = 64, kProgramHeaderSize32 = 32, kProgramHeaderSize64 = 56;
constexpr size_t kMaximumSegments = 128;
// xen/include/public/elfnote.h: the 32-bit physical entry point of a PVH guest.
constexpr uint32_t kNotePhys32Entry = 18;

struct ProgramHeader {
  uint32_t type;
  uint64_t offset, virtual_address, physical, file_size, memory_size;
};

struct ProgramHeaders {
  uint64_t offset;
  uint16_t entry_size, count;
};

ProgramHeader read_program_header(ByteView bytes, bool is_64bit) {
  if (is_64bit)
    return {load_le<uint32_t>(bytes, 0),  load_le<uint64_t>(bytes, 8),  load_le<uint64_t>(bytes, 16),
            load_le<uint64_t>(bytes, 24), load_le<uint64_t>(bytes, 32), load_le<uint64_t>(bytes, 40)};
  return {load_le<uint32_t>(bytes, 0),  load_le<uint32_t>(bytes, 4),  load_le<uint32_t>(bytes, 8),
          load_le<uint32_t>(bytes, 12), load_le<uint32_t>(bytes, 16), load_le<uint32_t>(bytes, 20)};
}

bool lies_within(uint64_t offset, uint64_t size, uint64_t total) {
  return offset <= total && size <= total - offset;
}

// Looks for the PVH entry in a PT_NOTE segment. Damaged notes end the search: they are optional information.
std::optional<uint64_t> find_pvh_entry(ByteView notes) {
  constexpr size_t kNoteHeaderSize = 12;
  while (notes.size() >= kNoteHeaderSize) {
    uint64_t name_size = load_le<uint32_t>(notes, 0);
    uint64_t value_size = load_le<uint32_t>(notes, 4);
    auto type = load_le<uint32_t>(notes, 8);
    uint64_t value_offset = kNoteHeaderSize + (name_size + 3) / 4 * 4;
    uint64_t next = value_offset + (value_size + 3) / 4 * 4;
    if (value_offset + value_size > notes.size()) return std::nullopt;
    constexpr std::string_view kXen("Xen\0", 4);
    bool is_xen =
        name_size == kXen.size() && std::equal(kXen.begin(), kXen.end(), notes.begin() + kNoteHeaderSize);
    if (is_xen && type == kNotePhys32Entry && (value_size == 4 || value_size == 8))
      return load_le_sized(notes.subspan(value_offset, value_size));
    notes = notes.subspan(std::min<uint64_t>(next, notes.size()));
  }
  return std::nullopt;
}

Result<ProgramHeaders> read_header(ByteView file, ElfImage& image) {
  if (file.size() < kHeaderSize32) return fail(ErrorCode::kInvalidArgument, "the ELF file is cut short");
  if ((file[4] != kClass32 && file[4] != kClass64) || file[5] != kLittleEndian)
    return fail(ErrorCode::kInvalidArgument, "the ELF file is of no known class or byte order");
  image.is_64bit = file[4] == kClass64;
  if (image.is_64bit && file.size() < kHeaderSize64)
    return fail(ErrorCode::kInvalidArgument, "the ELF file is cut short");
  auto type = load_le<uint16_t>(file, 16);
  auto machine = load_le<uint16_t>(file, 18);
  if (machine != kMachine386 && machine != kMachineX8664)
    return fail(ErrorCode::kInvalidArgument, "the ELF file is for another processor than x86",
                "e_machine " + std::to_string(machine));
  if (type != kTypeExecutable && type != kTypeShared)
    return fail(ErrorCode::kInvalidArgument, "the ELF file is not an executable",
                "e_type " + std::to_string(type));
  if (image.is_64bit) {
    image.entry = load_le<uint64_t>(file, 24);
    return ProgramHeaders{load_le<uint64_t>(file, 32), load_le<uint16_t>(file, 54),
                          load_le<uint16_t>(file, 56)};
  }
  image.entry = load_le<uint32_t>(file, 24);
  return ProgramHeaders{load_le<uint32_t>(file, 28), load_le<uint16_t>(file, 42),
                        load_le<uint16_t>(file, 44)};
}

}  // namespace

GuestAddress ElfImage::start() const {
  return std::min_element(segments.begin(), segments.end(),
                          [](const ElfSegment& a, const ElfSegment& b) { return a.physical < b.physical; })
      ->physical;
}

GuestAddress ElfImage::end() const {
  GuestAddress highest = 0;
  for (const ElfSegment& segment : segments)
    highest = std::max(highest, segment.physical + segment.memory_size);
  return highest;
}

bool is_elf(ByteView file) {
  return file.size() >= 4 && std::equal(kMagic.begin(), kMagic.end(), file.begin());
}

Result<ElfImage> parse_elf(ByteView head, uint64_t file_size) {
  if (!is_elf(head)) return fail(ErrorCode::kInvalidArgument, "the file is not ELF");
  ElfImage image;
  ProgramHeaders headers = TRY(read_header(head, image));
  size_t wanted_size = image.is_64bit ? kProgramHeaderSize64 : kProgramHeaderSize32;
  if (headers.count > kMaximumSegments || (headers.count > 0 && headers.entry_size < wanted_size) ||
      !lies_within(headers.offset, uint64_t{headers.entry_size} * headers.count, head.size()))
    return fail(ErrorCode::kInvalidArgument, "the ELF file's program headers lie outside the file");
  for (uint16_t i = 0; i < headers.count; ++i) {
    ProgramHeader header = read_program_header(
        head.subspan(headers.offset + uint64_t{i} * headers.entry_size, wanted_size), image.is_64bit);
    if (header.type != kSegmentLoad && header.type != kSegmentNote) continue;
    if (!lies_within(header.offset, header.file_size, file_size))
      return fail(ErrorCode::kInvalidArgument, "a segment of the ELF file lies outside the file");
    image.file_end = std::max(image.file_end, header.offset + header.file_size);
    if (header.type == kSegmentNote) {
      if (!image.pvh_entry && lies_within(header.offset, header.file_size, head.size()))
        image.pvh_entry = find_pvh_entry(head.subspan(header.offset, header.file_size));
      continue;
    }
    if (header.file_size > header.memory_size || header.physical + header.memory_size < header.physical)
      return fail(ErrorCode::kInvalidArgument, "a segment of the ELF file is larger than its memory");
    if (header.memory_size != 0)
      image.segments.push_back(
          {header.physical, header.virtual_address, header.memory_size, header.offset, header.file_size});
  }
  if (image.segments.empty()) return fail(ErrorCode::kInvalidArgument, "the ELF file has nothing to load");
  return image;
}

}  // namespace cumulet::hypervisor
