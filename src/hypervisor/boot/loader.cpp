// Recognition of kernel files, and the choice of the boot protocol.
#include "hypervisor/boot/loader.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "hypervisor/boot/boot_data.h"
#include "hypervisor/boot/bzimage.h"
#include "hypervisor/boot/decompress.h"
#include "hypervisor/boot/elf.h"
#include "hypervisor/boot/file.h"

namespace cumulet::hypervisor {

namespace {

// Says what a file that is no kernel looks like, for the error message.
std::string describe_file(ByteView file) {
  if (file.empty()) return "an empty file";
  if (is_elf(file)) return "an ELF file without a multiboot header or a PVH entry point";
  if (CompressionFormat format = detect_compression(file); format != CompressionFormat::kNone)
    return std::string(compression_name(format)) + "-compressed data (an initramfs?)";
  auto starts_with = [&](std::string_view text) {
    return file.size() >= text.size() && std::equal(text.begin(), text.end(), file.begin());
  };
  if (starts_with("070701")) return "a cpio archive (an initramfs?)";
  if (starts_with("#!")) return "a script";
  if (starts_with("MZ")) return "a DOS or EFI program without a Linux header";
  if (starts_with("QFI\xfb")) return "a qcow2 disk image";
  if (file.size() >= 512 && load_le<uint16_t>(file, 510) == 0xaa55) return "a disk image";
  char text[64];
  std::snprintf(text, sizeof(text), "a file that begins with the byte 0x%02x", file[0]);
  return text;
}

}  // namespace

std::string_view boot_protocol_name(BootProtocol protocol) {
  switch (protocol) {
    case BootProtocol::kLinux: return "Linux 64-bit";
    case BootProtocol::kMultiboot: return "multiboot";
    case BootProtocol::kPvh: return "PVH";
  }
  return "unknown";
}

Result<BootProtocol> detect_boot_protocol(ByteView kernel) {
  if (is_bzimage(kernel)) return BootProtocol::kLinux;
  if (is_multiboot(kernel)) return BootProtocol::kMultiboot;
  if (is_elf(kernel)) {
    ElfImage elf = TRY(parse_elf(kernel));
    if (elf.pvh_entry) return BootProtocol::kPvh;
  }
  return fail(ErrorCode::kInvalidArgument,
              "not a kernel: expected a Linux bzImage, a multiboot kernel or a PVH ELF file, found " +
                  describe_file(kernel));
}

Result<CpuState> load_boot_image(GuestMemory& memory, const BootRequest& request) {
  constexpr uint64_t kHeadSize = 4096;  // the setup header and more
  BootBytes head(std::min(kHeadSize, request.kernel->size()));
  TRY_VOID(request.kernel->read(0, head));
  if (is_bzimage(head)) return load_linux(memory, head, request);
  BootBytes kernel = TRY(read_all(*request.kernel));
  switch (TRY(detect_boot_protocol(kernel))) {
    case BootProtocol::kLinux: return load_linux(memory, kernel, request);
    case BootProtocol::kMultiboot: return load_multiboot(memory, kernel, request);
    case BootProtocol::kPvh: return load_pvh(memory, kernel, request);
  }
  return fail(ErrorCode::kUnsupported, "unknown boot protocol");
}

}  // namespace cumulet::hypervisor
