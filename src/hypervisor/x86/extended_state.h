// The extended state components that emulated guests may have (SDM volume 1, 13.1).
#pragma once

#include <cstdint>

namespace cumulet::hypervisor {

// x87, SSE and AVX: bits of XCR0, and the mask for XSAVE and XRSTOR.
inline constexpr uint32_t kGuestExtendedState = 7;

// The components of AVX-512, which XCR0 has all or none of (SDM volume 1, 13.3): the opmask registers, the
// upper halves of zmm0 to zmm15, and zmm16 to zmm31.
inline constexpr uint32_t kOpmaskState = 1 << 5, kUpperHalvesState = 1 << 6, kHighRegistersState = 1 << 7;
inline constexpr uint32_t kWideState = kOpmaskState | kUpperHalvesState | kHighRegistersState;

// Where these lie in an XSAVE area in standard format. Processors differ; a guest sees what its host has.
struct WideLayout {
  static constexpr uint32_t kOpmaskSize = 8 * 8, kUpperHalvesSize = 16 * 32, kHighRegistersSize = 16 * 64;

  uint32_t opmask = 0, upper_halves = 0, high_registers = 0;
  uint32_t end = 0;  // of the last of them; 0: there is no AVX-512

  // The end of the area that holds these components, a mask as in XCR0.
  [[nodiscard]] constexpr uint32_t area_size(uint64_t components) const {
    constexpr uint32_t kAvx = 4, kLegacyAndHeader = 576, kAvxSize = 256;
    uint32_t size = (components & kAvx) != 0 ? kLegacyAndHeader + kAvxSize : kLegacyAndHeader;
    auto include = [&size](bool present, uint32_t component_end) {
      if (present && component_end > size) size = component_end;
    };
    include((components & kOpmaskState) != 0, opmask + kOpmaskSize);
    include((components & kUpperHalvesState) != 0, upper_halves + kUpperHalvesSize);
    include((components & kHighRegistersState) != 0, high_registers + kHighRegistersSize);
    return size;
  }
};

// Of this host, if it has AVX-512 with byte, word, doubleword, quadword and shorter vectors, and its system
// lets us use it.
const WideLayout& host_wide_layout();

}  // namespace cumulet::hypervisor
