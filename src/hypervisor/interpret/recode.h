// Recode: turns a guest instruction of any mode into 64-bit machine code that does the same work on this
// processor.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "hypervisor/interpret/execution.h"

namespace cumulet::hypervisor {

// The instruction as 64-bit code. A memory operand is reached through `pointer_register`; RSP as an operand
// is played by `stack_register`, so that the host's stack stays in place. Both are registers that the
// instruction does not use.
struct NativeCode {
  std::array<uint8_t, 20> bytes{};
  uint8_t size = 0;
  int8_t pointer_register = -1;  // -1: no memory operand
  int8_t stack_register = -1;    // -1: RSP is not an operand

  void append(uint8_t byte) { bytes[size++] = byte; }
  [[nodiscard]] ByteView view() const { return ByteView(bytes).first(size); }
};

// The one explicit memory operand of an instruction, or null.
[[nodiscard]] const ZydisDecodedOperand* memory_operand(const FetchedInstruction& instruction);

// Re-encodes an instruction that only computes: legacy, VEX or EVEX encoded, at most one memory operand,
// found through ModRM. Returns nothing for what has no 64-bit form or no free register.
[[nodiscard]] std::optional<NativeCode> recode(const FetchedInstruction& instruction);

}  // namespace cumulet::hypervisor
