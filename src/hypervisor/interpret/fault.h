// The exceptions that instructions raise, by name (SDM volume 3, table 6-1).
#pragma once

#include <cstdint>

#include "hypervisor/interpret/page_walk.h"

namespace cumulet::hypervisor {

enum Vector : uint8_t {
  kDivideError = 0,
  kDebug = 1,
  kNmi = 2,
  kBreakpoint = 3,
  kOverflow = 4,
  kBoundRange = 5,
  kInvalidOpcode = 6,
  kDeviceNotAvailable = 7,
  kDoubleFault = 8,
  kInvalidTss = 10,
  kSegmentNotPresent = 11,
  kStackFault = 12,
  kGeneralProtection = 13,
  kPageFaultVector = 14,
  kX87Error = 16,
  kAlignmentCheck = 17,
  kSimdError = 19,
};

// Builds an exception with an error code: a selector's bits 15:2 for a segment, else 0.
constexpr Exception fault_with_code(Vector vector, uint32_t code) { return {vector, true, code}; }
constexpr Exception general_protection(uint32_t code = 0) {
  return fault_with_code(kGeneralProtection, code);
}
constexpr Exception stack_fault(uint32_t code = 0) { return fault_with_code(kStackFault, code); }
constexpr Exception invalid_opcode() { return {kInvalidOpcode}; }

}  // namespace cumulet::hypervisor
