// The extended state components that emulated guests may have (SDM volume 1, 13.1).
#pragma once

#include <cstdint>

namespace cumulet::hypervisor {

// x87, SSE and AVX: bits of XCR0, and the mask for XSAVE and XRSTOR.
inline constexpr uint32_t kGuestExtendedState = 7;

}  // namespace cumulet::hypervisor
