// Decompression by the formats' own libraries: zlib, liblzma, libzstd; lz4_blocks.h.
#include "hypervisor/boot/decompress.h"

#include <algorithm>
#include <array>
#include <limits>
#include <lzma.h>
#include <memory>
#include <string>
#include <zlib.h>
#include <zstd.h>

#include "hypervisor/boot/lz4_blocks.h"

namespace cumulet::hypervisor {

namespace {

using Bytes = BootBytes;

constexpr size_t kStep = 1 << 20;  // the output grows by this
constexpr uint64_t kLzmaMemoryLimit = 1 << 28;

struct Signature {
  CompressionFormat format;
  std::string_view bytes;
};
constexpr std::array<Signature, 7> kSignatures = {{
    {CompressionFormat::kGzip, std::string_view("\x1f\x8b", 2)},
    {CompressionFormat::kXz, std::string_view("\xfd"
                                              "7zXZ\0",
                                              6)},
    {CompressionFormat::kLzma, std::string_view("\x5d\0\0", 3)},
    {CompressionFormat::kZstd, std::string_view("\x28\xb5\x2f\xfd", 4)},
    {CompressionFormat::kLz4, std::string_view("\x02\x21\x4c\x18", 4)},
    {CompressionFormat::kBzip2, std::string_view("BZh", 3)},
    {CompressionFormat::kLzo, std::string_view("\x89LZO", 4)},
}};

tl::unexpected<Error> damaged(CompressionFormat format) {
  return fail(ErrorCode::kInvalidArgument,
              "the kernel's " + std::string(compression_name(format)) + " data is damaged or cut short");
}
tl::unexpected<Error> too_large() {
  return fail(ErrorCode::kInvalidArgument, "the kernel's decompressed size is beyond what is sane");
}

// An empty buffer with room for what the data decompresses to, if their last bytes say so: gzip ends with
// that size, and Linux's build appends it to the other formats. Room that is not written takes no memory.
Bytes prepare_output(ByteView bytes, uint64_t maximum_size) {
  Bytes output;
  if (bytes.size() < sizeof(uint32_t)) return output;
  auto size = load_le<uint32_t>(bytes, bytes.size() - sizeof(uint32_t));
  if (size >= bytes.size()) output.reserve(std::min<uint64_t>(size, maximum_size));
  return output;
}

// Makes room for more output behind the first `used` bytes. False at the limit.
bool grow(Bytes& output, size_t used, uint64_t maximum_size) {
  if (used >= maximum_size) return false;
  output.resize(std::min<uint64_t>(used + std::max(kStep, used / 2), maximum_size));
  return true;
}

Result<Bytes> gunzip(ByteView bytes, uint64_t maximum_size) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  if (inflateInit2(&stream, kGzipWindow) != Z_OK)
    return fail(ErrorCode::kResourceExhausted, "no memory for zlib");
  std::unique_ptr<z_stream, int (*)(z_stream*)> ender(&stream, inflateEnd);
  if (bytes.size() > std::numeric_limits<uInt>::max()) return too_large();
  stream.next_in = const_cast<Bytef*>(bytes.data());  // zlib's interface predates const; it only reads
  stream.avail_in = static_cast<uInt>(bytes.size());
  Bytes output = prepare_output(bytes, maximum_size);
  size_t used = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    if (used == output.size() && !grow(output, used, maximum_size)) return too_large();
    stream.next_out = output.data() + used;
    stream.avail_out = static_cast<uInt>(output.size() - used);
    status = inflate(&stream, Z_NO_FLUSH);
    used = output.size() - stream.avail_out;
  }
  if (status != Z_STREAM_END) return damaged(CompressionFormat::kGzip);
  output.resize(used);
  return output;
}

Result<Bytes> unxz(ByteView bytes, uint64_t maximum_size, CompressionFormat format) {
  lzma_stream stream = LZMA_STREAM_INIT;
  lzma_ret ready = format == CompressionFormat::kXz ? lzma_stream_decoder(&stream, kLzmaMemoryLimit, 0)
                                                    : lzma_alone_decoder(&stream, kLzmaMemoryLimit);
  if (ready != LZMA_OK) return fail(ErrorCode::kResourceExhausted, "no memory for liblzma");
  std::unique_ptr<lzma_stream, void (*)(lzma_stream*)> ender(&stream, lzma_end);
  stream.next_in = bytes.data();
  stream.avail_in = bytes.size();
  Bytes output = prepare_output(bytes, maximum_size);
  size_t used = 0;
  lzma_ret status = LZMA_OK;
  while (status == LZMA_OK) {
    if (used == output.size() && !grow(output, used, maximum_size)) return too_large();
    stream.next_out = output.data() + used;
    stream.avail_out = output.size() - used;
    status = lzma_code(&stream, LZMA_RUN);
    used = output.size() - stream.avail_out;
  }
  if (status != LZMA_STREAM_END) return damaged(format);
  output.resize(used);
  return output;
}

Result<Bytes> unzstd(ByteView bytes, uint64_t maximum_size) {
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (context == nullptr) return fail(ErrorCode::kResourceExhausted, "no memory for libzstd");
  ZSTD_inBuffer input = {bytes.data(), bytes.size(), 0};
  Bytes output = prepare_output(bytes, maximum_size);
  size_t used = 0;
  while (true) {
    if (used == output.size() && !grow(output, used, maximum_size)) return too_large();
    ZSTD_outBuffer room = {output.data(), output.size(), used};
    size_t input_before = input.pos;
    size_t left = ZSTD_decompressStream(context.get(), &room, &input);
    if (ZSTD_isError(left) != 0) return damaged(CompressionFormat::kZstd);
    bool stuck = room.pos == used && input.pos == input_before;
    used = room.pos;
    if (left == 0) break;
    if (stuck) return damaged(CompressionFormat::kZstd);
  }
  output.resize(used);
  return output;
}

Result<Bytes> unlz4(ByteView bytes, uint64_t maximum_size) {
  MemorySource source(bytes);
  Lz4Blocks blocks = TRY(Lz4Blocks::find(source, 0, bytes.size(), maximum_size));
  Bytes output(blocks.maximum_size());
  uint64_t size = TRY(blocks.decompress([&](uint64_t offset, ByteView piece) {
    std::ranges::copy(piece, output.begin() + static_cast<ptrdiff_t>(offset));
  }));
  output.resize(size);
  return output;
}

}  // namespace

CompressionFormat detect_compression(ByteView bytes) {
  for (const Signature& signature : kSignatures) {
    if (bytes.size() >= signature.bytes.size() &&
        std::equal(signature.bytes.begin(), signature.bytes.end(), bytes.begin(),
                   [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; }))
      return signature.format;
  }
  return CompressionFormat::kNone;
}

std::string_view compression_name(CompressionFormat format) {
  switch (format) {
    case CompressionFormat::kNone: return "uncompressed";
    case CompressionFormat::kGzip: return "gzip";
    case CompressionFormat::kXz: return "xz";
    case CompressionFormat::kLzma: return "lzma";
    case CompressionFormat::kZstd: return "zstd";
    case CompressionFormat::kLz4: return "lz4";
    case CompressionFormat::kBzip2: return "bzip2";
    case CompressionFormat::kLzo: return "lzo";
  }
  return "unknown";
}

Result<BootBytes> decompress(ByteView bytes, uint64_t maximum_size) {
  CompressionFormat format = detect_compression(bytes);
  switch (format) {
    case CompressionFormat::kGzip: return gunzip(bytes, maximum_size);
    case CompressionFormat::kXz:
    case CompressionFormat::kLzma: return unxz(bytes, maximum_size, format);
    case CompressionFormat::kZstd: return unzstd(bytes, maximum_size);
    case CompressionFormat::kLz4: return unlz4(bytes, maximum_size);
    case CompressionFormat::kBzip2:
    case CompressionFormat::kLzo:
    case CompressionFormat::kNone: break;
  }
  std::string name = format == CompressionFormat::kNone ? "in an unknown way" : "with ";
  if (format != CompressionFormat::kNone) name += compression_name(format);
  return fail(ErrorCode::kUnsupported,
              "the kernel is compressed " + name + "; gzip, xz, lzma, zstd and lz4 are supported");
}

}  // namespace cumulet::hypervisor
