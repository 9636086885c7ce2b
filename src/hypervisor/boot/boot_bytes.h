// BootBytes: a growing buffer for kernels and initrds, tens of megabytes that are written once and soon
// freed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace cumulet::hypervisor {

// Memory in huge pages where the host has them: a kernel takes fifteen thousand small ones, and faulting
// these in costs more than decompressing it.
void* allocate_boot_memory(size_t size);
void free_boot_memory(void* memory, size_t size);

// Leaves new elements as the memory is: all of it is overwritten anyway.
template <typename T>
struct BootAllocator {
  using value_type = T;
  BootAllocator() = default;
  template <typename U>
  BootAllocator(const BootAllocator<U>& /*other*/) {}  // NOLINT(google-explicit-constructor): a rebind
  T* allocate(size_t count) { return static_cast<T*>(allocate_boot_memory(count * sizeof(T))); }
  void deallocate(T* memory, size_t count) { free_boot_memory(memory, count * sizeof(T)); }
  template <typename U>
  void construct(U* at) {
    ::new (static_cast<void*>(at)) U;
  }
  template <typename U, typename... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    ::new (static_cast<void*>(at)) U(std::forward<Arguments>(arguments)...);
  }
  friend bool operator==(const BootAllocator&, const BootAllocator&) { return true; }
};

using BootBytes = std::vector<uint8_t, BootAllocator<uint8_t>>;

}  // namespace cumulet::hypervisor
