// MemoryExpression: the address arithmetic of a memory operand, and the same instruction with other
// arithmetic.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "hypervisor/x86/decode.h"

namespace cumulet::hypervisor {

// base + index * 2^scale_shift + displacement (SDM volume 2, 2.1.5), without the segment's base. Registers by
// hardware number.
struct MemoryExpression {
  static constexpr uint8_t kNone = 0xff;
  uint8_t base = kNone;
  uint8_t index = kNone;
  uint8_t scale_shift = 0;
  int32_t displacement = 0;

  // The address, given the general registers.
  [[nodiscard]] uint64_t evaluate(const std::array<uint64_t, 16>& registers) const;
};

// The expression of an instruction's memory operand. Precondition: it has a ModRM memory operand, and that is
// not RIP-relative.
MemoryExpression memory_expression(const DecodedInstruction& instruction);

// The instruction with its memory operand replaced by [expression], which has a base. Segment prefixes go.
// Nothing if it cannot be encoded: a register from r8 on needs a REX prefix, which changes the meaning of ah,
// ch, dh and bh.
std::optional<EncodedBytes> with_memory_expression(const DecodedInstruction& instruction,
                                                   const MemoryExpression& expression);

}  // namespace cumulet::hypervisor
