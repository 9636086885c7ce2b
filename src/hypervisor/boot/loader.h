// The boot loader: recognizes a kernel file, puts it and its data into guest RAM, and says where the CPU
// starts.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "hypervisor/boot/boot_source.h"
#include "hypervisor/boot/memory_map.h"
#include "hypervisor/memory/guest_memory.h"
#include "hypervisor/vcpu/state.h"

namespace cumulet::hypervisor {

// What to boot. The sources must live until load_boot_image() returns.
struct BootRequest {
  const BootSource* kernel;
  const BootSource* initrd;  // may be null; PVH and multiboot get it as their only module
  std::string command_line;  // no zero bytes inside
  MemoryMap memory_map;
  GuestAddress rsdp = 0;  // where the ACPI root pointer is
};

enum class BootProtocol : uint8_t { kLinux, kMultiboot, kPvh };

// Returns "Linux 64-bit", "multiboot" or "PVH".
std::string_view boot_protocol_name(BootProtocol protocol);

// Recognizes the protocol by content, in this order: Linux bzImage, multiboot header, ELF with a PVH note.
// Error kInvalidArgument names what the file seems to be instead.
Result<BootProtocol> detect_boot_protocol(ByteView kernel);

// Loads everything into RAM (which should be zero) and returns the boot processor's state. Errors:
// kInvalidArgument (no kernel, damaged, does not fit), kUnsupported (a kernel, but of a kind that cannot be
// booted), those of BootSource::read().
Result<CpuState> load_boot_image(GuestMemory& memory, const BootRequest& request);

}  // namespace cumulet::hypervisor
