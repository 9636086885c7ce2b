// Decompression of kernel payloads: the formats that Linux's build can choose.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "hypervisor/boot/boot_bytes.h"

namespace cumulet::hypervisor {

enum class CompressionFormat : uint8_t { kNone, kGzip, kXz, kLzma, kZstd, kLz4, kBzip2, kLzo };

// Recognizes the format by its first bytes; kNone when it is none of them.
CompressionFormat detect_compression(ByteView bytes);
std::string_view compression_name(CompressionFormat format);

// Decompresses one stream. Bytes after its end are ignored (Linux appends the size). `maximum_size` bounds
// the result. Errors: kUnsupported (bzip2, LZO, unknown), kInvalidArgument (damaged, cut short, or larger
// than maximum_size).
Result<BootBytes> decompress(ByteView bytes, uint64_t maximum_size);

}  // namespace cumulet::hypervisor
