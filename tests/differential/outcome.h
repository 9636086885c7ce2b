// Start and Outcome: the state in which a sequence begins, and all that is compared when it has ended.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "layout.h"

namespace cumulet::differential {

// x87, SSE and AVX state in the standard XSAVE format: legacy region, header, upper halves (SDM volume
// 1, 13.4); then AVX-512's where this host has them (host_wide_layout()), or zeros.
inline constexpr size_t kVectorStateSize = 4096;
using VectorState = std::array<uint8_t, kVectorStateSize>;

struct Registers {
  std::array<uint64_t, 16> gpr{};  // hardware order: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 ...
  uint64_t rip = 0;
  uint64_t rflags = 0x202;
  VectorState vector{};
};

struct Start {
  Registers registers;
  std::vector<uint8_t> code;  // placed so that it begins at registers.rip; ends with kEndOfSequence
  Area data{};
  Area stack{};
};

// How it ended: the exception's vector (3 for the end of the sequence), its error code, the faulting address.
struct Outcome {
  Registers registers;
  uint8_t vector = 0;
  uint64_t error_code = 0;
  uint64_t fault_address = 0;  // of a page fault
  Area data{};
  Area stack{};
};

// Returns what differs, one line each, or nothing. What is left out, and why, stands in compare.cpp. Blocks
// of several instructions do not keep arithmetic flags that a later instruction of the block overwrites
// unread, so a fault between the two may show others: `exact_flags_at_faults` false leaves those out.
std::string compare(const Outcome& native, const Outcome& guest, bool exact_flags_at_faults);

}  // namespace cumulet::differential
