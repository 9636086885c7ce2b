// Segment descriptors: reading them, checking them, loading segment registers (SDM volume 3, 3.4 and 5).
#pragma once

#include <cstdint>

#include "hypervisor/interpret/execution.h"

namespace cumulet::hypervisor {

// Types of system descriptors (SDM volume 3, table 3-2).
enum SystemType : uint8_t {
  kTss16Available = 1,
  kLdt = 2,
  kTss16Busy = 3,
  kCallGate16 = 4,
  kTaskGate = 5,
  kInterruptGate16 = 6,
  kTrapGate16 = 7,
  kTss32Available = 9,  // in long mode: a 64-bit TSS
  kTss32Busy = 11,
  kCallGate32 = 12,
  kInterruptGate32 = 14,
  kTrapGate32 = 15,
};

// A descriptor as it lies in its table, and where.
struct Descriptor {
  uint64_t raw = 0;
  uint64_t address = 0;  // linear

  [[nodiscard]] uint8_t type() const { return raw >> 40 & 15; }
  [[nodiscard]] bool code_or_data() const { return (raw >> 44 & 1) != 0; }
  [[nodiscard]] uint8_t dpl() const { return raw >> 45 & 3; }
  [[nodiscard]] bool present() const { return (raw >> 47 & 1) != 0; }
  [[nodiscard]] bool long_code() const { return (raw >> 53 & 1) != 0; }
  [[nodiscard]] bool default_big() const { return (raw >> 54 & 1) != 0; }
  [[nodiscard]] bool is_code() const { return code_or_data() && (type() & 8) != 0; }
  [[nodiscard]] bool is_conforming() const { return is_code() && (type() & 4) != 0; }
  [[nodiscard]] bool is_writable_data() const { return code_or_data() && (type() & 10) == 2; }
  [[nodiscard]] bool is_readable() const {
    return code_or_data() && ((type() & 8) == 0 || (type() & 2) != 0);
  }
};

constexpr bool is_null_selector(uint16_t selector) { return (selector & 0xfffc) == 0; }
constexpr uint8_t rpl(uint16_t selector) { return selector & 3; }
// A selector as error codes carry it.
constexpr uint32_t selector_code(uint16_t selector) { return selector & 0xfffc; }

// Reads the descriptor of a selector from the GDT or LDT. Stops with `vector`(selector) outside the table, or
// #PF.
[[nodiscard]] bool read_descriptor(Execution& x, uint16_t selector, Descriptor& descriptor,
                                   Vector vector = kGeneralProtection);
// Reads the upper half of a 16-byte system descriptor in long mode, bits 63:32 of its base.
[[nodiscard]] bool read_descriptor_base_high(Execution& x, const Descriptor& descriptor, uint64_t& high);
// Sets the accessed bit of a code or data descriptor in memory, if it is clear.
[[nodiscard]] bool mark_accessed(Execution& x, Descriptor& descriptor);

// The hidden part that a descriptor gives.
[[nodiscard]] Segment to_segment(uint16_t selector, const Descriptor& descriptor);
// A segment register that holds a null selector; `dpl` matters for SS, where it is CPL.
[[nodiscard]] Segment null_segment(uint16_t selector, uint8_t dpl = 0);
// A segment as real mode makes it: base from the selector; the rest of the hidden part stays.
[[nodiscard]] Segment real_mode_segment(uint16_t selector, const Segment& old);

// Loads ES, SS, DS, FS or GS as MOV, POP and LxS do, in any mode.
[[nodiscard]] bool load_segment(Execution& x, SegmentRegister target, uint16_t selector);
// Checks a stack segment for privilege level `cpl` and gives it; used by stack switches and returns. Faults
// on the selector are `vector`(selector); one that is not present is #SS(selector).
[[nodiscard]] bool check_stack_segment(Execution& x, uint16_t selector, uint8_t cpl, Vector vector,
                                       Segment& out);

// Empties data segment registers that the outer level `cpl` may not use (SDM volume 2, RET and IRET).
void drop_inner_segments(CpuState& state, uint8_t cpl);

}  // namespace cumulet::hypervisor
