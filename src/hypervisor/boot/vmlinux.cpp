// Two ways from the payload to guest RAM: LZ4 block by block, the other formats as a whole.
#include "hypervisor/boot/vmlinux.h"

#include <algorithm>

#include "hypervisor/boot/decompress.h"
#include "hypervisor/boot/lz4_blocks.h"

namespace cumulet::hypervisor {

namespace {

constexpr uint64_t kMaximumKernelSize = 512 << 20;
constexpr size_t kHeadSize = 64 << 10;  // Linux's program headers follow the ELF header

Result<ElfImage> parse_vmlinux(ByteView head, uint64_t size) {
  if (!is_elf(head))
    return fail(ErrorCode::kInvalidArgument, "the Linux kernel's payload is not an ELF file");
  ElfImage elf = TRY(parse_elf(head, size));
  if (!elf.is_64bit) return fail(ErrorCode::kUnsupported, "32-bit Linux kernels cannot be booted");
  return elf;
}

Result<ElfImage> load_whole(GuestMemory& memory, ByteView payload, GuestAddress lowest) {
  BootBytes vmlinux = TRY(decompress(payload, kMaximumKernelSize));
  ElfImage elf = TRY(parse_vmlinux(vmlinux, vmlinux.size()));
  TRY_VOID(load_elf(memory, vmlinux, elf, lowest));
  return elf;
}

Result<ElfImage> load_blocks(GuestMemory& memory, const Lz4Blocks& blocks, GuestAddress lowest) {
  BootBytes head = TRY(blocks.beginning(kHeadSize));
  ElfImage elf = TRY(parse_vmlinux(head, blocks.maximum_size()));
  TRY_VOID(begin_elf_load(memory, elf, lowest));
  uint64_t size = TRY(blocks.decompress(
      [&](uint64_t offset, ByteView piece) { load_elf_piece(memory, elf, offset, piece); }));
  // Only now is the real size known.
  if (elf.file_end > size)
    return fail(ErrorCode::kInvalidArgument, "a segment of the ELF file lies outside the file");
  return elf;
}

}  // namespace

Result<ElfImage> load_vmlinux(GuestMemory& memory, const BootSource& file, const BzImage& image,
                              GuestAddress lowest) {
  BootBytes magic(std::min<uint64_t>(8, image.payload_size));
  TRY_VOID(file.read(image.payload_offset, magic));
  if (detect_compression(magic) == CompressionFormat::kLz4) {
    Lz4Blocks blocks =
        TRY(Lz4Blocks::find(file, image.payload_offset, image.payload_size, kMaximumKernelSize));
    return load_blocks(memory, blocks, lowest);
  }
  BootBytes payload(image.payload_size);
  TRY_VOID(file.read(image.payload_offset, payload));
  return load_whole(memory, payload, lowest);
}

}  // namespace cumulet::hypervisor
