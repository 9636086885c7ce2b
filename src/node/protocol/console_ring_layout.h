// The header of a console ring file, as docs/formats/console-ring.md describes it.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace cumulet::node {

inline constexpr uint64_t kRingMagic = 0x474e52534e4f4343;  // "CCONSRNG" in the file
inline constexpr uint32_t kRingVersion = 1;
inline constexpr size_t kRingMagicOffset = 0, kRingVersionOffset = 8, kRingCapacityOffset = 16,
                        kRingTotalOffset = 24, kRingReservedOffset = 32;
inline constexpr uint64_t kRingHeaderSize = 4096;
inline constexpr uint64_t kRingMaximumCapacity = uint64_t{1} << 30;

// Checks a header against the size of its file and returns the capacity. Error kCorrupt says what is wrong.
Result<uint64_t> check_ring_header(ByteView header, uint64_t file_size);

}  // namespace cumulet::node
