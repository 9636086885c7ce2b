// Linux's 64-bit boot protocol: unpacked vmlinux, boot_params, e820 map
// (Documentation/x86/{boot,zero-page}.rst).
#include <algorithm>
#include <vector>

#include "hypervisor/boot/boot_data.h"
#include "hypervisor/boot/bzimage.h"
#include "hypervisor/boot/start_state.h"
#include "hypervisor/boot/vmlinux.h"

namespace cumulet::hypervisor {

namespace {

constexpr size_t kBootParamsSize = 4096;
// Offsets in boot_params that are not part of the setup header.
constexpr size_t kAcpiRsdp = 0x070, kAlternativeMemoryKib = 0x1e0, kE820Count = 0x1e8, kE820Table = 0x2d0;
constexpr size_t kE820EntrySize = 20, kE820Maximum = 128;
constexpr uint8_t kLoaderUndefined = 0xff, kLoadedHigh = 1 << 0;
constexpr uint16_t kVideoModeNormal = 0xffff;

Result<void> write_e820(MutableByteView params, const MemoryMap& map) {
  if (map.size() > kE820Maximum)
    return fail(ErrorCode::kInvalidArgument, "the memory map has too many entries");
  params[kE820Count] = static_cast<uint8_t>(map.size());
  for (size_t i = 0; i < map.size(); ++i) {
    size_t at = kE820Table + i * kE820EntrySize;
    store_le<uint64_t>(params, at, map[i].address);
    store_le<uint64_t>(params, at + 8, map[i].size);
    store_le<uint32_t>(params, at + 16, static_cast<uint32_t>(map[i].type));
  }
  return {};
}

Result<void> write_boot_params(GuestMemory& memory, const BootRequest& request, const BzImage& image,
                               const LoadedInitrd& initrd) {
  std::vector<uint8_t> params(kBootParamsSize);
  MutableByteView view(params);
  std::copy(image.setup_header.begin(), image.setup_header.end(),
            params.begin() + setup_header::kSetupSectors);
  params[setup_header::kLoaderType] = kLoaderUndefined;
  params[setup_header::kLoadFlags] |= kLoadedHigh;
  store_le<uint16_t>(view, setup_header::kVideoMode, kVideoModeNormal);
  store_le<uint32_t>(view, setup_header::kCommandLine, boot_address::kCommandLine);
  store_le<uint32_t>(view, setup_header::kRamdiskImage, static_cast<uint32_t>(initrd.address));
  store_le<uint32_t>(view, setup_header::kRamdiskSize, static_cast<uint32_t>(initrd.size));
  store_le<uint64_t>(view, kAcpiRsdp, request.rsdp);
  for (const MemoryMapEntry& entry : request.memory_map) {
    if (entry.address == kHighMemoryStart)
      store_le<uint32_t>(view, kAlternativeMemoryKib, static_cast<uint32_t>(entry.size >> 10));
  }
  TRY_VOID(write_e820(view, request.memory_map));
  return write_boot_data(memory, boot_address::kBootParams, params, "boot parameters");
}

}  // namespace

Result<CpuState> load_linux(GuestMemory& memory, ByteView head, const BootRequest& request) {
  BzImage image = TRY(parse_bzimage(head, request.kernel->size()));
  ElfImage elf = TRY(load_vmlinux(memory, *request.kernel, image, kHighMemoryStart));
  TRY_VOID(write_command_line(memory, request.command_line, image.command_line_size));
  GuestAddress initrd_limit = uint64_t{image.initrd_address_maximum} + 1;
  LoadedInitrd initrd = TRY(load_initrd(memory, request.initrd, elf.end(), initrd_limit));
  TRY_VOID(write_boot_params(memory, request, image, initrd));
  CpuState state = TRY(identity_long_mode(memory, boot_address::kGdt, boot_address::kPageTables, elf.entry));
  state.gpr[kRsi] = boot_address::kBootParams;
  return state;
}

}  // namespace cumulet::hypervisor
