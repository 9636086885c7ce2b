// Parsing of the setup header.
#include "hypervisor/boot/bzimage.h"

#include <algorithm>

namespace cumulet::hypervisor {

namespace {
constexpr uint32_t kHeaderMagic = 0x53726448;  // "HdrS"
constexpr uint16_t kBootFlagMagic = 0xaa55;
constexpr uint16_t kVersionWith64Bit = 0x20c;  // 2.12: xloadflags
constexpr uint16_t kXlf64Bit = 1 << 0;
constexpr size_t kMinimumSize = 0x264;       // up to and with init_size
constexpr size_t kMaximumHeaderEnd = 0x290;  // boot_params keeps other things from here
}  // namespace

bool is_bzimage(ByteView head) {
  return head.size() >= kMinimumSize && load_le<uint16_t>(head, setup_header::kBootFlag) == kBootFlagMagic &&
         load_le<uint32_t>(head, setup_header::kMagic) == kHeaderMagic;
}

Result<BzImage> parse_bzimage(ByteView head, uint64_t file_size) {
  if (!is_bzimage(head)) return fail(ErrorCode::kInvalidArgument, "the file is not a Linux kernel");
  if (load_le<uint16_t>(head, setup_header::kVersion) < kVersionWith64Bit ||
      (load_le<uint16_t>(head, setup_header::kXloadFlags) & kXlf64Bit) == 0)
    return fail(ErrorCode::kUnsupported, "the Linux kernel is too old or has no 64-bit entry point");
  BzImage image;
  // The header ends where the jump instruction at 0x200 goes (boot.rst, "header length").
  size_t end = setup_header::kMagic + head[setup_header::kJump + 1];
  end = std::clamp(end, kMinimumSize, std::min(kMaximumHeaderEnd, head.size()));
  image.setup_header = head.subspan(setup_header::kSetupSectors, end - setup_header::kSetupSectors);
  image.initrd_address_maximum = load_le<uint32_t>(head, setup_header::kInitrdMaximum);
  image.command_line_size = load_le<uint32_t>(head, setup_header::kCommandLineSize);

  uint64_t sectors = head[setup_header::kSetupSectors] == 0 ? 4 : head[setup_header::kSetupSectors];
  uint64_t offset = (sectors + 1) * 512 + load_le<uint32_t>(head, setup_header::kPayloadOffset);
  uint64_t length = load_le<uint32_t>(head, setup_header::kPayloadLength);
  if (length == 0 || offset > file_size || length > file_size - offset)
    return fail(ErrorCode::kInvalidArgument, "the Linux kernel file is cut short");
  image.payload_offset = offset;
  image.payload_size = length;
  return image;
}

}  // namespace cumulet::hypervisor
