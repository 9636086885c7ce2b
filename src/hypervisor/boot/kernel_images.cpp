// The smallest files that the boot protocols accept.
#include "hypervisor/boot/kernel_images.h"

#include <algorithm>
#include <lz4.h>
#include <zlib.h>

#include "base/check.h"
#include "hypervisor/boot/bzimage.h"

namespace cumulet::hypervisor {

using Bytes = std::vector<uint8_t>;

Bytes make_elf64(uint64_t physical, ByteView contents, uint32_t pvh_entry) {
  constexpr size_t kHeaderSize = 64, kProgramHeaderSize = 56, kNoteSize = 20;
  size_t headers = kHeaderSize + 2 * kProgramHeaderSize;
  Bytes file(headers + kNoteSize + contents.size());
  for (auto [offset, value] :
       {std::pair<size_t, uint8_t>{0, 0x7f}, {1, 'E'}, {2, 'L'}, {3, 'F'}, {4, 2}, {5, 1}, {6, 1}})
    file[offset] = value;
  store_le<uint16_t>(file, 16, 2);   // executable
  store_le<uint16_t>(file, 18, 62);  // x86-64
  store_le<uint64_t>(file, 24, physical);
  store_le<uint64_t>(file, 32, kHeaderSize);
  store_le<uint16_t>(file, 54, kProgramHeaderSize);
  store_le<uint16_t>(file, 56, pvh_entry != 0 ? 2 : 1);
  auto put_segment = [&](size_t at, uint32_t type, uint64_t offset, uint64_t address, uint64_t size,
                         uint64_t room) {
    store_le<uint32_t>(file, at, type);
    store_le<uint64_t>(file, at + 8, offset);
    store_le<uint64_t>(file, at + 16, address);
    store_le<uint64_t>(file, at + 24, address);
    store_le<uint64_t>(file, at + 32, size);
    store_le<uint64_t>(file, at + 40, room);
  };
  put_segment(kHeaderSize, 1, headers + kNoteSize, physical, contents.size(), contents.size() + 0x1000);
  put_segment(kHeaderSize + kProgramHeaderSize, 4, headers, 0, kNoteSize, kNoteSize);
  store_le<uint32_t>(file, headers, 4);
  store_le<uint32_t>(file, headers + 4, 4);
  store_le<uint32_t>(file, headers + 8, 18);  // XEN_ELFNOTE_PHYS32_ENTRY
  store_le<uint32_t>(file, headers + 12, 0x006e6558);
  store_le<uint32_t>(file, headers + 16, pvh_entry);
  std::copy(contents.begin(), contents.end(), file.begin() + static_cast<ptrdiff_t>(headers + kNoteSize));
  return file;
}

Bytes make_bzimage(ByteView payload) {
  constexpr size_t kSetupSize = 2 * 512;
  Bytes file(kSetupSize + payload.size());
  file[setup_header::kSetupSectors] = 1;
  store_le<uint16_t>(file, setup_header::kBootFlag, 0xaa55);
  file[setup_header::kJump] = 0xeb;
  file[setup_header::kJump + 1] = 0x66;
  store_le<uint32_t>(file, setup_header::kMagic, 0x53726448);
  store_le<uint16_t>(file, setup_header::kVersion, 0x20f);
  store_le<uint16_t>(file, setup_header::kXloadFlags, 1);
  store_le<uint32_t>(file, setup_header::kInitrdMaximum, 0x7fffffff);
  store_le<uint32_t>(file, setup_header::kCommandLineSize, 2047);
  store_le<uint32_t>(file, setup_header::kPayloadLength, static_cast<uint32_t>(payload.size()));
  std::copy(payload.begin(), payload.end(), file.begin() + kSetupSize);
  return file;
}

Bytes make_multiboot(uint32_t load_address, ByteView code) {
  constexpr uint32_t kMagic = 0x1badb002, kHasAddresses = 1 << 16, kHeaderSize = 32;
  Bytes file(kHeaderSize + code.size());
  store_le<uint32_t>(file, 0, kMagic);
  store_le<uint32_t>(file, 4, kHasAddresses);
  store_le<uint32_t>(file, 8, 0 - (kMagic + kHasAddresses));
  store_le<uint32_t>(file, 12, load_address);
  store_le<uint32_t>(file, 16, load_address);
  store_le<uint32_t>(file, 28, load_address + kHeaderSize);
  std::copy(code.begin(), code.end(), file.begin() + kHeaderSize);
  return file;
}

Bytes compress_gzip(ByteView bytes) {
  z_stream stream{};
  CHECK(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  Bytes output(bytes.size() + bytes.size() / 8 + 1024);  // incompressible data grows by far less
  stream.next_in = const_cast<Bytef*>(bytes.data());     // zlib only reads it
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = output.data();
  stream.avail_out = static_cast<uInt>(output.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  deflateEnd(&stream);
  return {output.begin(), output.begin() + static_cast<ptrdiff_t>(stream.total_out)};
}

Bytes compress_lz4(ByteView bytes) {
  constexpr size_t kBlock = 8 << 20, kHeaderSize = 4;
  Bytes output = {0x02, 0x21, 0x4c, 0x18};
  while (!bytes.empty()) {
    ByteView block = bytes.first(std::min(kBlock, bytes.size()));
    bytes = bytes.subspan(block.size());
    size_t at = output.size();
    auto room = static_cast<size_t>(LZ4_compressBound(static_cast<int>(block.size())));
    output.resize(at + kHeaderSize + room);
    int used = LZ4_compress_default(static_cast<const char*>(static_cast<const void*>(block.data())),
                                    static_cast<char*>(static_cast<void*>(output.data() + at + kHeaderSize)),
                                    static_cast<int>(block.size()), static_cast<int>(room));
    CHECK(used > 0);
    store_le<uint32_t>(output, at, static_cast<uint32_t>(used));
    output.resize(at + kHeaderSize + static_cast<size_t>(used));
  }
  return output;
}

}  // namespace cumulet::hypervisor
