// The PVH boot protocol: a 32-bit entry named by an ELF note, and an hvm_start_info (xen
// arch-x86/hvm/start_info.h).
#include <vector>

#include "hypervisor/boot/boot_data.h"
#include "hypervisor/boot/elf.h"
#include "hypervisor/boot/start_state.h"

namespace cumulet::hypervisor {

namespace {

constexpr uint32_t kStartMagic = 0x336ec578, kStartVersion = 1;
constexpr size_t kStartInfoSize = 56, kModuleEntrySize = 32, kMapEntrySize = 24;

Result<void> write_start_info(GuestMemory& memory, const BootRequest& request, const LoadedInitrd& initrd) {
  std::vector<uint8_t> modules(kModuleEntrySize);
  store_le<uint64_t>(modules, 0, initrd.address);
  store_le<uint64_t>(modules, 8, initrd.size);
  TRY_VOID(write_boot_data(memory, boot_address::kModuleList, modules, "module list"));

  std::vector<uint8_t> map(request.memory_map.size() * kMapEntrySize);
  if (map.size() > boot_address::kMemoryMapRoom)
    return fail(ErrorCode::kInvalidArgument, "the memory map has too many entries");
  for (size_t i = 0; i < request.memory_map.size(); ++i) {
    const MemoryMapEntry& entry = request.memory_map[i];
    store_le<uint64_t>(map, i * kMapEntrySize, entry.address);
    store_le<uint64_t>(map, i * kMapEntrySize + 8, entry.size);
    store_le<uint32_t>(map, i * kMapEntrySize + 16, static_cast<uint32_t>(entry.type));
  }
  TRY_VOID(write_boot_data(memory, boot_address::kMemoryMap, map, "memory map"));

  std::vector<uint8_t> info(kStartInfoSize);
  store_le<uint32_t>(info, 0, kStartMagic);
  store_le<uint32_t>(info, 4, kStartVersion);
  store_le<uint32_t>(info, 12, initrd.size != 0 ? 1 : 0);
  store_le<uint64_t>(info, 16, initrd.size != 0 ? boot_address::kModuleList : 0);
  store_le<uint64_t>(info, 24, boot_address::kCommandLine);
  store_le<uint64_t>(info, 32, request.rsdp);
  store_le<uint64_t>(info, 40, boot_address::kMemoryMap);
  store_le<uint32_t>(info, 48, static_cast<uint32_t>(request.memory_map.size()));
  return write_boot_data(memory, boot_address::kStartInfo, info, "start information");
}

}  // namespace

Result<CpuState> load_pvh(GuestMemory& memory, ByteView file, const BootRequest& request) {
  ElfImage elf = TRY(parse_elf(file));
  if (!elf.pvh_entry || *elf.pvh_entry > UINT32_MAX)
    return fail(ErrorCode::kInvalidArgument, "the ELF file has no PVH entry point");
  TRY_VOID(load_elf(memory, file, elf, kHighMemoryStart));
  TRY_VOID(write_command_line(memory, request.command_line, UINT64_MAX));
  LoadedInitrd initrd = TRY(load_initrd(memory, request.initrd, elf.end(), uint64_t{1} << 32));
  TRY_VOID(write_start_info(memory, request, initrd));
  CpuState state =
      TRY(flat_protected_mode(memory, boot_address::kGdt, static_cast<uint32_t>(*elf.pvh_entry)));
  state.gpr[kRbx] = boot_address::kStartInfo;
  return state;
}

}  // namespace cumulet::hypervisor
