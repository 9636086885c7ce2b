// Tests of decompression: every format, damaged data, size bounds.
#include "hypervisor/boot/decompress.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <lzma.h>
#include <zstd.h>

#include "hypervisor/boot/kernel_images.h"

namespace cumulet::hypervisor {
namespace {

using Bytes = std::vector<uint8_t>;
constexpr uint64_t kPlenty = 64 << 20;

Bytes sample(size_t size) {
  Bytes bytes(size);
  uint32_t state = 1;
  for (size_t i = 0; i < size; ++i) {
    if (i % 7 == 0) state = state * 1664525 + 1013904223;
    bytes[i] = static_cast<uint8_t>(state >> 24);
  }
  return bytes;
}

Bytes compress_xz(const Bytes& bytes) {
  Bytes output(lzma_stream_buffer_bound(bytes.size()));
  size_t used = 0;
  EXPECT_EQ(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, nullptr, bytes.data(), bytes.size(), output.data(),
                                    &used, output.size()),
            LZMA_OK);
  output.resize(used);
  return output;
}

Bytes compress_zstd(const Bytes& bytes) {
  Bytes output(ZSTD_compressBound(bytes.size()));
  output.resize(ZSTD_compress(output.data(), output.size(), bytes.data(), bytes.size(), 1));
  return output;
}

TEST(Decompress, UndoesEveryFormatAndIgnoresWhatFollows) {
  Bytes original = sample((9 << 20) + 123);  // more than one LZ4 block
  for (Bytes compressed :
       {compress_gzip(original), compress_xz(original), compress_zstd(original), compress_lz4(original)}) {
    auto name = compression_name(detect_compression(compressed));
    size_t at = compressed.size();
    compressed.resize(at + 4);
    store_le<uint32_t>(compressed, at, static_cast<uint32_t>(original.size()));
    auto result = decompress(compressed, kPlenty);
    ASSERT_TRUE(result.has_value()) << name << ": " << result.error().to_string();
    EXPECT_TRUE(std::ranges::equal(*result, original)) << name;
    EXPECT_EQ(decompress(compressed, 1 << 20).error().code, ErrorCode::kInvalidArgument) << name;
    for (size_t size : {size_t{6}, size_t{100}, compressed.size() / 2})
      EXPECT_FALSE(decompress(ByteView(compressed).first(size), kPlenty).has_value() &&
                   decompress(ByteView(compressed).first(size), kPlenty)->size() == original.size())
          << name;
  }
}

TEST(Decompress, SurvivesDamage) {
  Bytes original = sample(50'000);
  uint32_t state = 7;
  for (const Bytes& good :
       {compress_gzip(original), compress_xz(original), compress_zstd(original), compress_lz4(original)}) {
    for (int round = 0; round < 50; ++round) {
      Bytes bad = good;
      state = state * 1664525 + 1013904223;
      bad[(state >> 8) % bad.size()] ^= static_cast<uint8_t>(1 << (state & 7));
      (void)decompress(bad, kPlenty);
    }
  }
}

TEST(Decompress, NamesWhatItCannotDo) {
  Bytes bzip2 = {'B', 'Z', 'h', '9', 0};
  EXPECT_NE(decompress(bzip2, kPlenty).error().message.find("bzip2"), std::string::npos);
  Bytes unknown = {1, 2, 3};
  EXPECT_EQ(decompress(unknown, kPlenty).error().code, ErrorCode::kUnsupported);
  EXPECT_FALSE(decompress({}, kPlenty).has_value());
}

}  // namespace
}  // namespace cumulet::hypervisor
