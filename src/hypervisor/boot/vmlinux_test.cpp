// Tests of kernels whose LZ4 blocks go straight to guest RAM: every byte in its place, and hostile files.
#include "hypervisor/boot/vmlinux.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "hypervisor/boot/kernel_images.h"
#include "hypervisor/boot/lz4_blocks.h"

namespace cumulet::hypervisor {
namespace {

using Bytes = std::vector<uint8_t>;
constexpr GuestAddress kLowest = 0x100000;
constexpr uint64_t kBlock = 8 << 20;

struct Segment {
  uint64_t offset, physical, size, room;
};

// An ELF file of `file_size` bytes with these segments; its other bytes are noise, with pages of zeros.
Bytes make_vmlinux(size_t file_size, const std::vector<Segment>& segments) {
  constexpr size_t kHeaders = 64, kHeaderSize = 56;
  Bytes file(file_size);
  uint32_t noise = 1;
  for (size_t at = kHeaders + segments.size() * kHeaderSize; at < file_size; ++at) {
    if (at % 5 == 0) noise = noise * 1664525 + 1013904223;
    if (at / 0x10000 % 3 != 0) file[at] = static_cast<uint8_t>(noise >> 24);
  }
  Bytes start = make_elf64(segments[0].physical, {});
  std::copy_n(start.begin(), kHeaders, file.begin());
  store_le<uint16_t>(file, 56, static_cast<uint16_t>(segments.size()));
  for (size_t i = 0; i < segments.size(); ++i) {
    size_t at = kHeaders + i * kHeaderSize;
    store_le<uint32_t>(file, at, 1);
    store_le<uint64_t>(file, at + 8, segments[i].offset);
    store_le<uint64_t>(file, at + 24, segments[i].physical);
    store_le<uint64_t>(file, at + 32, segments[i].size);
    store_le<uint64_t>(file, at + 40, segments[i].room);
  }
  return file;
}

// RAM that is full of another kernel's bytes.
std::unique_ptr<GuestMemory> used_memory() {
  constexpr uint64_t kRamSize = 64 << 20;
  auto memory = GuestMemory::create({{0, kRamSize, 0}}).value();
  EXPECT_TRUE(memory->write(0, Bytes(kRamSize, 0xcc)));
  return memory;
}

Result<ElfImage> load(GuestMemory& memory, const Bytes& bzimage) {
  MemorySource source(bzimage);
  BzImage image = TRY(parse_bzimage(bzimage, bzimage.size()));
  return load_vmlinux(memory, source, image, kLowest);
}

std::string message_of(const Bytes& bzimage) {
  auto memory = used_memory();
  auto result = load(*memory, bzimage);
  return result ? "it loads" : result.error().message;
}

TEST(Vmlinux, EveryFormatPutsEverySegmentInItsPlace) {
  // Segments that end in the middle of blocks and pages, one in two blocks, one of a few bytes, rest of
  // zeros.
  std::vector<Segment> segments = {{0x1000, 0x1000000, 0x7ff123, 0x7ff123},
                                   {0x810000, 0x2010000, 0xa00000, 0xb00000},
                                   {0x1300123, 0x200123, 5, 0x3000}};
  Bytes vmlinux = make_vmlinux(0x1400000, segments);
  for (bool lz4 : {true, false}) {
    auto memory = used_memory();
    Bytes payload = lz4 ? compress_lz4(vmlinux) : compress_gzip(vmlinux);
    payload.resize(payload.size() + 4);
    store_le<uint32_t>(payload, payload.size() - 4, static_cast<uint32_t>(vmlinux.size()));
    auto elf = load(*memory, make_bzimage(payload));
    ASSERT_TRUE(elf.has_value()) << elf.error().to_string();
    EXPECT_EQ(elf->entry, 0x1000000u);
    EXPECT_EQ(elf->end(), 0x2b10000u);
    for (const Segment& segment : segments) {
      Bytes expected(vmlinux.begin() + static_cast<ptrdiff_t>(segment.offset),
                     vmlinux.begin() + static_cast<ptrdiff_t>(segment.offset + segment.size));
      expected.resize(segment.room);
      expected.push_back(0xcc);  // nothing behind it was touched
      Bytes found(expected.size());
      ASSERT_TRUE(memory->read(segment.physical, found));
      EXPECT_TRUE(found == expected) << "lz4 " << lz4 << ", segment at " << segment.physical;
      uint8_t before = 0;
      ASSERT_TRUE(memory->read_value(segment.physical - 1, before));
      EXPECT_EQ(before, 0xcc);
    }
  }
}

TEST(Vmlinux, RefusesWhatLiesOutsideTheDecompressedFile) {
  // The headers promise more than the last block, or a block that is too short, turns out to hold.
  Bytes small = make_vmlinux(0x100000, {{0x1000, 0x1000000, 0x200000, 0x200000}});
  EXPECT_NE(message_of(make_bzimage(compress_lz4(small))).find("outside the file"), std::string::npos);
  Bytes two_blocks = make_vmlinux(kBlock + 0x1000, {{0x1000, 0x1000000, kBlock, kBlock}});
  EXPECT_EQ(message_of(make_bzimage(compress_lz4(two_blocks))), "it loads");
  Bytes first = compress_lz4(ByteView(two_blocks).first(kBlock / 2));
  Bytes second = compress_lz4(ByteView(two_blocks).subspan(kBlock / 2));
  first.insert(first.end(), second.begin() + 4, second.end());
  EXPECT_NE(message_of(make_bzimage(first)).find("outside the file"), std::string::npos);
}

TEST(Vmlinux, RefusesBadBlocksAndPlaces) {
  Bytes good = make_vmlinux(kBlock + 0x1000, {{0x1000, 0x1000000, kBlock, kBlock}});
  Bytes cut = compress_lz4(good);
  cut.resize(cut.size() - 1);
  EXPECT_NE(message_of(make_bzimage(cut)).find("outside the file"), std::string::npos);
  Bytes broken = compress_lz4(good);
  size_t second_block = 4 + 4 + load_le<uint32_t>(broken, 4) + 4;
  for (uint8_t byte : {0x00, 0xff, 0xff}) broken[second_block++] = byte;  // repeats what is before the block
  EXPECT_NE(message_of(make_bzimage(broken)).find("lz4 data is damaged"), std::string::npos);
  Bytes magic_only = {0x02, 0x21, 0x4c, 0x18, 0, 0, 0, 0};
  EXPECT_NE(message_of(make_bzimage(magic_only)).find("lz4 data is damaged"), std::string::npos);
  Bytes no_elf = compress_lz4(Bytes(0x1000, 7));
  EXPECT_NE(message_of(make_bzimage(no_elf)).find("not an ELF"), std::string::npos);
  Bytes overlapping =
      make_vmlinux(0x10000, {{0x1000, 0x1000000, 0x1000, 0x3000}, {0x2000, 0x1002fff, 0x1000, 0x1000}});
  EXPECT_NE(message_of(make_bzimage(compress_lz4(overlapping))).find("overlap"), std::string::npos);
  Bytes too_high = make_vmlinux(0x10000, {{0x1000, (64 << 20) - 0x1000, 0x1000, 0x1001}});
  EXPECT_NE(message_of(make_bzimage(compress_lz4(too_high))).find("65 MiB"), std::string::npos);
  Bytes too_low = make_vmlinux(0x10000, {{0x1000, 0xff000, 0x1000, 0x1000}});
  EXPECT_NE(message_of(make_bzimage(compress_lz4(too_low))).find("below"), std::string::npos);
}

TEST(Lz4Blocks, BoundsTheOutputBeforeDecompressing) {
  Bytes compressed = compress_lz4(Bytes(2 * kBlock + 1));
  MemorySource source(compressed);
  auto find = [&](uint64_t maximum) { return Lz4Blocks::find(source, 0, compressed.size(), maximum); };
  EXPECT_EQ(find(3 * kBlock)->maximum_size(), 3 * kBlock);
  EXPECT_FALSE(find(3 * kBlock - 1).has_value());
  EXPECT_EQ(find(3 * kBlock)->beginning(1000)->size(), 1000u);
}

}  // namespace
}  // namespace cumulet::hypervisor
