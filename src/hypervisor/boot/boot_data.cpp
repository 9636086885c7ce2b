// Writing of command lines, initrds and tables into guest RAM.
#include "hypervisor/boot/boot_data.h"

#include <algorithm>
#include <string>
#include <vector>

#include "hypervisor/boot/boot_bytes.h"

namespace cumulet::hypervisor {

namespace {

constexpr uint64_t kPageSize = 4096;

// Through one small buffer that stays in the processor's cache: a buffer for the whole file costs as much in
// fresh pages as guest RAM itself, and reading into the mapping of guest RAM clears each page first. (For 240
// MB: 94 ms, against 170 ms into the mapping and 150 to 2400 ms through a buffer for all of it.)
Result<void> copy_source(GuestMemory& memory, GuestAddress address, const BootSource& source) {
  constexpr uint64_t kPiece = 1 << 20;
  BootBuffer buffer(std::min(kPiece, source.size()));
  for (uint64_t done = 0; done < source.size();) {
    MutableByteView piece = buffer.first(std::min<uint64_t>(buffer.size(), source.size() - done));
    TRY_VOID(source.read(done, piece));
    TRY_VOID(write_boot_data(memory, address + done, piece, "initrd"));
    done += piece.size();
  }
  return {};
}

}  // namespace

Result<void> write_boot_data(GuestMemory& memory, GuestAddress address, ByteView bytes,
                             std::string_view what) {
  if (!memory.write(address, bytes))
    return fail(ErrorCode::kInvalidArgument, "the guest has too little memory for the " + std::string(what));
  return {};
}

Result<void> write_command_line(GuestMemory& memory, std::string_view command_line, uint64_t maximum) {
  maximum = std::min(maximum, boot_address::kCommandLineRoom - 1);
  if (command_line.size() > maximum)
    return fail(ErrorCode::kInvalidArgument,
                "the kernel command line is " + std::to_string(command_line.size()) +
                    " bytes long, but this kernel takes at most " + std::to_string(maximum));
  if (command_line.find('\0') != std::string_view::npos)
    return fail(ErrorCode::kInvalidArgument, "the kernel command line has a zero byte in it");
  std::vector<uint8_t> bytes(command_line.begin(), command_line.end());
  bytes.push_back(0);
  return write_boot_data(memory, boot_address::kCommandLine, bytes, "kernel command line");
}

Result<LoadedInitrd> load_initrd(GuestMemory& memory, const BootSource* initrd, GuestAddress kernel_end,
                                 GuestAddress limit) {
  if (initrd == nullptr || initrd->size() == 0) return LoadedInitrd{};
  GuestAddress ram_end = 0;
  for (const MemoryRegion& region : memory.regions()) {
    if (region.address <= kHighMemoryStart && kHighMemoryStart - region.address < region.size)
      ram_end = region.address + region.size;
  }
  GuestAddress top = std::min(ram_end, limit);
  GuestAddress bottom = (kernel_end + kPageSize - 1) / kPageSize * kPageSize;
  uint64_t room = (initrd->size() + kPageSize - 1) / kPageSize * kPageSize;
  if (top < bottom || top - bottom < room)
    return fail(ErrorCode::kInvalidArgument,
                "the initrd does not fit into the guest's memory beside the kernel: at least " +
                    std::to_string(((bottom + room) >> 20) + 1) + " MiB are needed");
  GuestAddress address = (top - room) / kPageSize * kPageSize;
  TRY_VOID(copy_source(memory, address, *initrd));
  return LoadedInitrd{address, initrd->size()};
}

}  // namespace cumulet::hypervisor
