// Hashes that stored blocks are found by.
#pragma once

#include <array>

#include "hypervisor/translate/content_hash.h"
#include "hypervisor/translate/stored_block.h"

namespace cumulet::hypervisor {

// How many bytes of guest code belong to a block's key: the first of these that it has.
inline constexpr std::array<size_t, 3> kKeyLengths = {8, 3, 1};

inline size_t key_length(size_t guest_size) {
  for (size_t length : kKeyLengths)
    if (length <= guest_size) return length;
  return 0;
}

inline uint64_t hash_key(const StoredKey& key, ByteView first_bytes) {
  constexpr uint64_t kPrime = 0x9e3779b97f4a7c15;
  uint64_t seed = (key.rip ^ uint64_t{key.page_offset} << 48) * kPrime + key.mode;
  return content_hash(first_bytes, seed);
}

inline uint32_t hash_content(ByteView guest_code) {
  return static_cast<uint32_t>(content_hash(guest_code) >> 32);
}

}  // namespace cumulet::hypervisor
