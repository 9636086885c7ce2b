// Operands of a decoded instruction: registers, effective addresses, immediates.
#pragma once

#include <cstdint>

#include "hypervisor/interpret/execution.h"

namespace cumulet::hypervisor {

// The number (0 to 15) of the general register that this name belongs to, or -1 if it is no general register.
[[nodiscard]] int general_register(ZydisRegister name);

// Reads a general register of any width, zero-extended; RIP-like names give the address of the next
// instruction.
[[nodiscard]] uint64_t read_register(const Execution& x, ZydisRegister name);
// Writes one: 8 and 16 bits keep the rest, 32 bits clear the upper half (SDM volume 1, 3.4.1.1).
void write_register(Execution& x, ZydisRegister name, uint64_t value);
// Reads or writes general register `index` with a width of 8 (low byte), 16, 32 or 64 bits.
[[nodiscard]] uint64_t read_gpr(const Execution& x, uint8_t index, unsigned bits);
void write_gpr(Execution& x, uint8_t index, unsigned bits, uint64_t value);

// A memory operand's offset within its segment, wrapped to the address size.
[[nodiscard]] uint64_t effective_offset(const Execution& x, const ZydisDecodedOperand& operand);
[[nodiscard]] SegmentRegister segment_of(ZydisRegister name);

// Reads or writes an operand of up to 64 bits: general register, memory, or (reading) immediate, which is
// sign-extended where the encoding says so. Stops as memory accesses do.
[[nodiscard]] bool read_operand(Execution& x, const ZydisDecodedOperand& operand, uint64_t& value);
[[nodiscard]] bool write_operand(Execution& x, const ZydisDecodedOperand& operand, uint64_t value);

}  // namespace cumulet::hypervisor
