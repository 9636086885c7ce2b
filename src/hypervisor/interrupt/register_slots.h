// Access to 32-bit registers that lie 16 bytes apart, as those of the local APIC and the IO-APIC do.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace cumulet::hypervisor {

inline constexpr uint64_t kRegisterSlotSize = 16;

// Fills `out` from the registers it touches, each read once by `read_register(index)`; bytes 4 to 15 of a
// slot are 0.
template <typename ReadRegister>
void read_register_slots(uint64_t offset, MutableByteView out, ReadRegister read_register) {
  size_t done = 0;
  while (done < out.size()) {
    uint64_t into = (offset + done) % kRegisterSlotSize;
    uint32_t value = into < 4 ? read_register(static_cast<uint32_t>((offset + done) / kRegisterSlotSize)) : 0;
    for (; into < kRegisterSlotSize && done < out.size(); ++into, ++done)
      out[done] = into < 4 ? static_cast<uint8_t>(value >> (8 * into)) : uint8_t{0};
  }
}

}  // namespace cumulet::hypervisor
