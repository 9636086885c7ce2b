// Putting the compressed vmlinux of a bzImage into guest RAM.
#pragma once

#include "base/result.h"
#include "hypervisor/boot/boot_source.h"
#include "hypervisor/boot/bzimage.h"
#include "hypervisor/boot/elf.h"
#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// Decompresses `image`'s payload, which is in `file`, and loads its segments at or above `lowest`. Errors:
// those of BootSource::read(), decompress(), parse_elf() and load_elf(); kInvalidArgument when the payload is
// not ELF; kUnsupported for a 32-bit kernel.
Result<ElfImage> load_vmlinux(GuestMemory& memory, const BootSource& file, const BzImage& image,
                              GuestAddress lowest);

}  // namespace cumulet::hypervisor
