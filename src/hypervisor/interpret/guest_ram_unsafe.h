// Loads, stores and compare-exchanges of guest RAM that are single accesses of the host processor.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>

#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// Reads a naturally aligned integer in one access, so that a concurrent writer is seen whole. False outside
// RAM.
template <std::unsigned_integral T>
[[nodiscard]] inline bool ram_load(const GuestMemory& memory, GuestAddress address, T& value) {
  const uint8_t* from = memory.unsafe_host_pointer(address, sizeof(T));
  if (from == nullptr) return false;
  value = __atomic_load_n(reinterpret_cast<const T*>(from), __ATOMIC_RELAXED);
  return true;
}

// Replaces `expected` with `desired` atomically; false when the integer is not `expected` any more, or not in
// RAM.
template <std::unsigned_integral T>
[[nodiscard]] inline bool ram_compare_exchange(GuestMemory& memory, GuestAddress address, T expected,
                                               T desired) {
  uint8_t* at = memory.unsafe_host_pointer(address, sizeof(T));
  if (at == nullptr) return false;
  return __atomic_compare_exchange_n(reinterpret_cast<T*>(at), &expected, desired, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST);
}

// Copies `size` bytes; 1, 2, 4 and 8 bytes are one access each, as an aligned x86 access must be (SDM volume
// 3, 9.1.1).
inline void copy_as_processor(uint8_t* to, const uint8_t* from, uint64_t size) {
  switch (size) {
    case 1: *to = *from; break;
    case 2: std::memcpy(to, from, 2); break;
    case 4: std::memcpy(to, from, 4); break;
    case 8: std::memcpy(to, from, 8); break;
    default: std::memcpy(to, from, size);
  }
}

// Copies from RAM as the processor would; false outside RAM.
[[nodiscard]] inline bool ram_read(const GuestMemory& memory, GuestAddress address, MutableByteView out) {
  const uint8_t* from = memory.unsafe_host_pointer(address, out.size());
  if (from == nullptr) return false;
  copy_as_processor(out.data(), from, out.size());
  return true;
}

// Copies to RAM as the processor would; false outside RAM.
[[nodiscard]] inline bool ram_write(GuestMemory& memory, GuestAddress address, ByteView bytes) {
  uint8_t* to = memory.unsafe_host_pointer(address, bytes.size());
  if (to == nullptr) return false;
  copy_as_processor(to, bytes.data(), bytes.size());
  return true;
}

// The host address of RAM as a register value, for code that runs on it in place; 0 outside RAM.
[[nodiscard]] inline uint64_t ram_host_address(const GuestMemory& memory, GuestAddress address,
                                               uint64_t size) {
  return reinterpret_cast<uintptr_t>(memory.unsafe_host_pointer(address, size));
}

// What `rep movs` with DF clear does to RAM: copies items upwards, so that an overlapping destination above
// the source repeats the source's first bytes. False unless both ranges lie in RAM.
[[nodiscard]] inline bool ram_move_upwards(GuestMemory& memory, GuestAddress to, GuestAddress from,
                                           uint64_t size, uint8_t item_size) {
  uint8_t* target = memory.unsafe_host_pointer(to, size);
  const uint8_t* source = memory.unsafe_host_pointer(from, size);
  if (target == nullptr || source == nullptr) return false;
  if (target <= source || target >= source + size) {
    std::memmove(target, source, size);
  } else {
    for (uint64_t done = 0; done < size; done += item_size)
      copy_as_processor(target + done, source + done, item_size);
  }
  return true;
}

// What `rep stos` with DF clear does to RAM. False unless the range lies in RAM.
[[nodiscard]] inline bool ram_fill_upwards(GuestMemory& memory, GuestAddress to, uint64_t size,
                                           ByteView item) {
  uint8_t* target = memory.unsafe_host_pointer(to, size);
  if (target == nullptr) return false;
  bool same_bytes = true;
  for (uint8_t byte : item) same_bytes &= byte == item[0];
  if (same_bytes) {
    std::memset(target, item[0], size);
  } else {
    for (uint64_t done = 0; done < size; done += item.size())
      copy_as_processor(target + done, item.data(), item.size());
  }
  return true;
}

}  // namespace cumulet::hypervisor
