// Loads, stores and compare-exchanges of guest RAM that are single accesses of the host processor.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>

#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// Reads a naturally aligned integer in one access, so that a concurrent writer is seen whole. False outside RAM.
template <std::unsigned_integral T>
[[nodiscard]] inline bool ram_load(const GuestMemory& memory, GuestAddress address, T& value) {
  const uint8_t* from = memory.unsafe_host_pointer(address, sizeof(T));
  if (from == nullptr) return false;
  value = __atomic_load_n(reinterpret_cast<const T*>(from), __ATOMIC_RELAXED);
  return true;
}

// Replaces `expected` with `desired` atomically; false when the integer is not `expected` any more, or not in RAM.
template <std::unsigned_integral T>
[[nodiscard]] inline bool ram_compare_exchange(GuestMemory& memory, GuestAddress address, T expected, T desired) {
  uint8_t* at = memory.unsafe_host_pointer(address, sizeof(T));
  if (at == nullptr) return false;
  return __atomic_compare_exchange_n(reinterpret_cast<T*>(at), &expected, desired, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST);
}

// Copies `size` bytes; 1, 2, 4 and 8 bytes are one access each, as an aligned x86 access must be (SDM volume 3, 9.1.1).
inline void copy_as_processor(uint8_t* to, const uint8_t* from, uint64_t size) {
  switch (size) {
    case 1:
      *to = *from;
      break;
    case 2:
      std::memcpy(to, from, 2);
      break;
    case 4:
      std::memcpy(to, from, 4);
      break;
    case 8:
      std::memcpy(to, from, 8);
      break;
    default:
      std::memcpy(to, from, size);
  }
}

}  // namespace cumulet::hypervisor
