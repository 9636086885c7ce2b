// Where a random sequence lives: the same linear addresses natively and in the guest, so that results
// compare.
#pragma once

#include <array>
#include <cstdint>

namespace cumulet::differential {

inline constexpr uint64_t kPageSize = 4096;

// Two pages of code (readable, executable), two of data and two of stack (readable, writable). The page after
// each pair is not mapped, so that accesses beyond fault.
inline constexpr uint64_t kCodeBase = 0x1000'0000;
inline constexpr uint64_t kDataBase = 0x2000'0000;
inline constexpr uint64_t kStackBase = 0x2100'0000;
inline constexpr uint64_t kAreaSize = 2 * kPageSize;

using Area = std::array<uint8_t, kAreaSize>;

// The breakpoint that ends every sequence.
inline constexpr uint8_t kEndOfSequence = 0xcc;

// User-mode selectors of 64-bit Linux, which the guest copies.
inline constexpr uint16_t kUserCodeSelector = 0x33;
inline constexpr uint16_t kUserStackSelector = 0x2b;

}  // namespace cumulet::differential
