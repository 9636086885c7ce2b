// VectorSet: 256 bits, one for each interrupt vector: the local APIC's IRR, ISR and TMR.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace cumulet::hypervisor {

class VectorSet {
 public:
  void set(uint8_t vector) { words_[vector / 32] |= uint32_t{1} << (vector % 32); }
  void clear(uint8_t vector) { words_[vector / 32] &= ~(uint32_t{1} << (vector % 32)); }
  [[nodiscard]] bool test(uint8_t vector) const { return ((words_[vector / 32] >> (vector % 32)) & 1) != 0; }
  // The highest vector in the set, or -1.
  [[nodiscard]] int highest() const {
    for (int i = 7; i >= 0; --i) {
      uint32_t word = words_[static_cast<size_t>(i)];
      if (word != 0) return i * 32 + 31 - std::countl_zero(word);
    }
    return -1;
  }
  // Vectors 32 × index to 32 × index + 31, as the guest reads them. Precondition: index < 8.
  [[nodiscard]] uint32_t word(size_t index) const { return words_[index]; }

 private:
  std::array<uint32_t, 8> words_{};
};

}  // namespace cumulet::hypervisor
