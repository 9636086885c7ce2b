// Where boot data lies in low memory, and how it gets there: shared by the boot protocols.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "hypervisor/boot/loader.h"
#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// Everything below 1 MiB that boot writes. Kernels are loaded above, so nothing can overlap.
namespace boot_address {
inline constexpr GuestAddress kGdt = 0x1000, kStartInfo = 0x2000, kModuleList = 0x3000, kMemoryMap = 0x4000,
                              kBootParams = 0x7000, kPageTables = 0x9000, kCommandLine = 0x20000;
inline constexpr uint64_t kCommandLineRoom = 0x10000, kMemoryMapRoom = 0x3000;
}  // namespace boot_address

// Where the initrd lies. size 0: there is none.
struct LoadedInitrd {
  GuestAddress address = 0;
  uint64_t size = 0;  // bytes
};

// Writes bytes, or says that there is no RAM for `what`. Error kInvalidArgument.
Result<void> write_boot_data(GuestMemory& memory, GuestAddress address, ByteView bytes,
                             std::string_view what);

// Writes the zero-terminated command line. Error kInvalidArgument when it is longer than `maximum` bytes.
Result<void> write_command_line(GuestMemory& memory, std::string_view command_line, uint64_t maximum);

// Copies the initrd (null or empty: there is none), page-aligned, as high as possible below `limit` in the
// RAM region of 1 MiB, above `kernel_end`. Errors: kInvalidArgument says how much memory is missing; those
// of BootSource::read().
Result<LoadedInitrd> load_initrd(GuestMemory& memory, const BootSource* initrd, GuestAddress kernel_end,
                                 GuestAddress limit);

// The three protocols. Preconditions: detect_boot_protocol() named this one for the kernel's bytes, of which
// `head` has at least the first 4 KiB (or all), and `file` has all.
Result<CpuState> load_linux(GuestMemory& memory, ByteView head, const BootRequest& request);
Result<CpuState> load_multiboot(GuestMemory& memory, ByteView file, const BootRequest& request);
Result<CpuState> load_pvh(GuestMemory& memory, ByteView file, const BootRequest& request);

// True if the file has a valid multiboot (version 1) header.
bool is_multiboot(ByteView file);

}  // namespace cumulet::hypervisor
