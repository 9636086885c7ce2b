// BootBytes: a growing buffer for kernels and initrds, tens of megabytes that are written once and soon
// freed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace cumulet::hypervisor {

// Small pages on purpose: those are mostly ones that somebody has just freed, while huge pages are taken from
// memory that a virtual host may have given back to its own (measured: 9 ms each instead of 0.3).
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

// A fixed buffer of the same memory, for one piece after the other. Never empty.
class BootBuffer {
 public:
  explicit BootBuffer(size_t size) : data_(static_cast<uint8_t*>(allocate_boot_memory(size))), size_(size) {}
  ~BootBuffer() { free_boot_memory(data_, size_); }
  BootBuffer(const BootBuffer&) = delete;
  BootBuffer& operator=(const BootBuffer&) = delete;
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] MutableByteView first(size_t size) { return MutableByteView(data_, size_).first(size); }

 private:
  uint8_t* data_;
  size_t size_;
};

}  // namespace cumulet::hypervisor
