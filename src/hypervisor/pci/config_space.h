// ConfigSpace: a PCI function's 4096 bytes, each bit read-only, writable or write-1-to-clear.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "hypervisor/pci/registers.h"

namespace cumulet::hypervisor {

// Knows bits, not their meaning: see PciFunction for that. Offsets must lie within the space (our bug
// otherwise), but for read() and write(), which are the guest's.
class ConfigSpace {
 public:
  // Sets what is read, as the device's maker does.
  template <std::unsigned_integral T>
  void set(uint16_t offset, T value) {
    store_le<T>(bytes_, offset, value);
  }
  template <std::unsigned_integral T>
  [[nodiscard]] T get(uint16_t offset) const {
    return load_le<T>(bytes_, offset);
  }
  // Bits of `mask` become writable by the guest, or cleared when the guest writes 1 to them.
  template <std::unsigned_integral T>
  void make_writable(uint16_t offset, T mask) {
    store_le<T>(writable_, offset, mask);
  }
  template <std::unsigned_integral T>
  void make_write_1_to_clear(uint16_t offset, T mask) {
    store_le<T>(write_1_to_clear_, offset, mask);
  }

  // The guest's accesses; what lies outside the space reads as all ones and is not written.
  void read(uint64_t offset, MutableByteView out) const;
  void write(uint64_t offset, ByteView bytes);

 private:
  std::array<uint8_t, pci::kConfigSize> bytes_{}, writable_{}, write_1_to_clear_{};
};

}  // namespace cumulet::hypervisor
