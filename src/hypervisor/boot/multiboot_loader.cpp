// Multiboot version 1: header search, ELF or "a.out kludge" load, boot information (Multiboot Specification
// 0.6.96).
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "hypervisor/boot/boot_data.h"
#include "hypervisor/boot/elf.h"
#include "hypervisor/boot/start_state.h"

namespace cumulet::hypervisor {

namespace {

constexpr uint32_t kHeaderMagic = 0x1badb002, kLoaderMagic = 0x2badb002;
constexpr size_t kSearchLimit = 8192, kHeaderSize = 12, kHeaderSizeWithAddresses = 32;
// Header flags (3.1.2). Bits 0 to 15 are demands that a loader must understand; we understand the first
// three.
constexpr uint32_t kUnknownDemands = 0xfff8, kHasAddresses = 1 << 16;
// Information flags (3.3).
constexpr uint32_t kInfoMemory = 1 << 0, kInfoCommandLine = 1 << 2, kInfoModules = 1 << 3,
                   kInfoMemoryMap = 1 << 6, kInfoLoaderName = 1 << 9;
constexpr size_t kInfoSize = 120, kModuleEntrySize = 16, kMapEntrySize = 24;
constexpr std::string_view kLoaderName = "cumulet";
constexpr size_t kLoaderNameOffset = 64;

struct Header {
  uint64_t offset;  // in the file
  uint32_t flags;
};

struct Loaded {
  uint32_t entry;
  GuestAddress end;  // of the kernel, bss included
};

std::optional<Header> find_header(ByteView file) {
  ByteView start = file.first(std::min(file.size(), kSearchLimit));
  for (size_t offset = 0; offset + kHeaderSize <= start.size(); offset += 4) {
    if (load_le<uint32_t>(start, offset) != kHeaderMagic) continue;
    auto flags = load_le<uint32_t>(start, offset + 4);
    if (kHeaderMagic + flags + load_le<uint32_t>(start, offset + 8) == 0) return Header{offset, flags};
  }
  return std::nullopt;
}

// The load addresses of the header itself (3.1.3), for files that are not ELF.
Result<Loaded> load_by_header(GuestMemory& memory, ByteView file, const Header& header) {
  if (file.size() - header.offset < kHeaderSizeWithAddresses)
    return fail(ErrorCode::kInvalidArgument, "the multiboot header is cut short");
  auto field = [&](size_t at) { return uint64_t{load_le<uint32_t>(file, header.offset + at)}; };
  uint64_t header_address = field(12), load_address = field(16), load_end = field(20), bss_end = field(24);
  if (header_address < load_address || header_address - load_address > header.offset)
    return fail(ErrorCode::kInvalidArgument, "the multiboot header's load address does not match its place");
  uint64_t from = header.offset - (header_address - load_address);
  uint64_t size = load_end == 0 ? file.size() - from : load_end - load_address;
  if ((load_end != 0 && load_end < load_address) || size > file.size() - from)
    return fail(ErrorCode::kInvalidArgument, "the multiboot kernel file is cut short");
  GuestAddress end = std::max(load_address + size, bss_end);
  if (load_address < kHighMemoryStart)
    return fail(ErrorCode::kInvalidArgument, "the multiboot kernel wants to be loaded below 1 MiB");
  if (!memory.zero(load_address, end - load_address) || !memory.write(load_address, file.subspan(from, size)))
    return fail(ErrorCode::kInvalidArgument, "the multiboot kernel does not fit into the guest's memory");
  return Loaded{static_cast<uint32_t>(field(28)), end};
}

Result<Loaded> load_kernel(GuestMemory& memory, ByteView file, const Header& header) {
  if ((header.flags & kUnknownDemands) != 0)
    return fail(ErrorCode::kUnsupported, "the multiboot kernel demands features that nobody has defined");
  if ((header.flags & kHasAddresses) != 0) return load_by_header(memory, file, header);
  if (!is_elf(file))
    return fail(ErrorCode::kInvalidArgument, "the multiboot kernel is neither ELF nor says where to load it");
  ElfImage elf = TRY(parse_elf(file));
  TRY_VOID(load_elf(memory, file, elf, kHighMemoryStart));
  // An entry given as a virtual address is meant physically: the segment says how they relate.
  uint64_t entry = elf.entry;
  for (const ElfSegment& segment : elf.segments) {
    if (elf.entry >= segment.virtual_address && elf.entry - segment.virtual_address < segment.memory_size)
      entry = segment.physical + (elf.entry - segment.virtual_address);
  }
  if (entry > UINT32_MAX)
    return fail(ErrorCode::kInvalidArgument, "the multiboot kernel's entry point is above 4 GiB");
  return Loaded{static_cast<uint32_t>(entry), elf.end()};
}

std::vector<uint8_t> build_memory_map(const MemoryMap& map) {
  std::vector<uint8_t> bytes(map.size() * kMapEntrySize);
  for (size_t i = 0; i < map.size(); ++i) {
    size_t at = i * kMapEntrySize;
    store_le<uint32_t>(bytes, at, kMapEntrySize - 4);  // the size field does not count itself
    store_le<uint64_t>(bytes, at + 4, map[i].address);
    store_le<uint64_t>(bytes, at + 12, map[i].size);
    store_le<uint32_t>(bytes, at + 20, static_cast<uint32_t>(map[i].type));
  }
  return bytes;
}

Result<void> write_information(GuestMemory& memory, const BootRequest& request, const LoadedInitrd& module) {
  std::vector<uint8_t> map = build_memory_map(request.memory_map);
  if (map.size() > boot_address::kMemoryMapRoom)
    return fail(ErrorCode::kInvalidArgument, "the memory map has too many entries");
  TRY_VOID(write_boot_data(memory, boot_address::kMemoryMap, map, "memory map"));
  std::vector<uint8_t> modules(kModuleEntrySize + kLoaderNameOffset);
  store_le<uint32_t>(modules, 0, static_cast<uint32_t>(module.address));
  store_le<uint32_t>(modules, 4, static_cast<uint32_t>(module.address + module.size));
  store_le<uint32_t>(modules, 8, boot_address::kModuleList + kModuleEntrySize);  // its empty name
  std::copy(kLoaderName.begin(), kLoaderName.end(), modules.begin() + kLoaderNameOffset);
  TRY_VOID(write_boot_data(memory, boot_address::kModuleList, modules, "module list"));

  std::vector<uint8_t> info(kInfoSize);
  uint64_t upper_bytes = 0;
  for (const MemoryMapEntry& entry : request.memory_map) {
    if (entry.address == kHighMemoryStart && entry.type == MemoryType::kUsable) upper_bytes = entry.size;
  }
  store_le<uint32_t>(info, 0,
                     kInfoMemory | kInfoCommandLine | kInfoModules | kInfoMemoryMap | kInfoLoaderName);
  store_le<uint32_t>(info, 4, kConventionalMemoryEnd >> 10);
  store_le<uint32_t>(info, 8, static_cast<uint32_t>(upper_bytes >> 10));
  store_le<uint32_t>(info, 16, boot_address::kCommandLine);
  store_le<uint32_t>(info, 20, module.size != 0 ? 1 : 0);
  store_le<uint32_t>(info, 24, boot_address::kModuleList);
  store_le<uint32_t>(info, 44, static_cast<uint32_t>(map.size()));
  store_le<uint32_t>(info, 48, boot_address::kMemoryMap);
  store_le<uint32_t>(info, 64, boot_address::kModuleList + kLoaderNameOffset);
  return write_boot_data(memory, boot_address::kStartInfo, info, "boot information");
}

}  // namespace

bool is_multiboot(ByteView file) { return find_header(file).has_value(); }

Result<CpuState> load_multiboot(GuestMemory& memory, ByteView file, const BootRequest& request) {
  std::optional<Header> header = find_header(file);
  if (!header) return fail(ErrorCode::kInvalidArgument, "the file has no multiboot header");
  Loaded kernel = TRY(load_kernel(memory, file, *header));
  TRY_VOID(write_command_line(memory, request.command_line, UINT64_MAX));
  LoadedInitrd module = TRY(load_initrd(memory, request.initrd, kernel.end, uint64_t{1} << 32));
  TRY_VOID(write_information(memory, request, module));
  CpuState state = TRY(flat_protected_mode(memory, boot_address::kGdt, kernel.entry));
  state.gpr[kRax] = kLoaderMagic;
  state.gpr[kRbx] = boot_address::kStartInfo;
  return state;
}

}  // namespace cumulet::hypervisor
