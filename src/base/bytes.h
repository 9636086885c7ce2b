// Byte views and little-endian access to them: how every layer looks at raw bytes.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/check.h"

namespace cumulet {

using ByteView = std::span<const uint8_t>;
using MutableByteView = std::span<uint8_t>;

// Reads a little-endian integer at `offset`. The bytes must lie within `bytes` (our bug otherwise).
template <std::unsigned_integral T>
[[nodiscard]] T load_le(ByteView bytes, size_t offset = 0) {
  CHECK(offset <= bytes.size() && sizeof(T) <= bytes.size() - offset);
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

// Writes a little-endian integer at `offset`. The bytes must lie within `bytes` (our bug otherwise).
template <std::unsigned_integral T>
void store_le(MutableByteView bytes, size_t offset, T value) {
  CHECK(offset <= bytes.size() && sizeof(T) <= bytes.size() - offset);
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

// Reads 1 to 8 bytes as one zero-extended little-endian integer.
[[nodiscard]] inline uint64_t load_le_sized(ByteView bytes) {
  CHECK(bytes.size() <= 8);
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

// Writes the low bytes.size() (1 to 8) bytes of `value`.
inline void store_le_sized(MutableByteView bytes, uint64_t value) {
  CHECK(bytes.size() <= 8);
  std::memcpy(bytes.data(), &value, bytes.size());
}

}  // namespace cumulet
