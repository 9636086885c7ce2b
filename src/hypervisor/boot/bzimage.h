// BzImage: a stock x86 Linux kernel file, parsed on the host (Linux Documentation/x86/boot.rst).
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace cumulet::hypervisor {

// Offsets of the setup header, which are the same in the file and in boot_params (the "zero page").
namespace setup_header {
inline constexpr size_t kSetupSectors = 0x1f1, kVideoMode = 0x1fa, kBootFlag = 0x1fe, kJump = 0x200,
                        kMagic = 0x202, kVersion = 0x206, kLoaderType = 0x210, kLoadFlags = 0x211,
                        kRamdiskImage = 0x218, kRamdiskSize = 0x21c, kCommandLine = 0x228,
                        kInitrdMaximum = 0x22c, kXloadFlags = 0x236, kCommandLineSize = 0x238,
                        kPayloadOffset = 0x248, kPayloadLength = 0x24c, kInitSize = 0x260;
}

// Invariant: header bytes are those of the file from 0x1f1 on, bounded by the header's own length.
struct BzImage {
  ByteView setup_header;                // to be copied to boot_params + 0x1f1
  uint64_t payload_offset = 0;          // in the file: the compressed vmlinux
  uint64_t payload_size = 0;            // bytes
  uint32_t initrd_address_maximum = 0;  // highest address that the initrd may occupy
  uint32_t command_line_size = 0;       // longest command line in bytes, without the final zero
};

// True if the file that begins with `head` has a Linux setup header.
bool is_bzimage(ByteView head);

// Parses a file of `file_size` bytes that begins with `head`, at least the setup header. The result points
// into `head`; the payload lies within the file. Errors: kInvalidArgument (damaged), kUnsupported (too old,
// or 32-bit only).
Result<BzImage> parse_bzimage(ByteView head, uint64_t file_size);

}  // namespace cumulet::hypervisor
