// AccessSite: what the cold path of one memory access of translated code needs to know.
#pragma once

#include <cstdint>

namespace cumulet::hypervisor {

// How the arithmetic flags are kept during a memory check (see Translator).
enum class FlagsPlace : uint8_t { kDead, kRax, kMemory };

// Lies in the code cache, at any address; there are hundreds of thousands, so it is packed.
struct AccessSite {
  static constexpr uint8_t kFlags = 3, kWrite = 4, kGeneral = 8, kSeveral = 16, kRelative = 32, kLong = 64,
                           kMoves = 128, kGaps = 64;

  // The guest's rip: with kRelative, the number of a page base and what is to be added; else two halves.
  uint32_t page_or_low, offset_or_high;
  int32_t
      resume;  // from the site on: host code at which the access happens, with the host pointer in address()
  uint8_t size;             // bytes of the access
  uint8_t registers;        // address() | index() << 4
  uint8_t kinds;            // FlagsPlace and bits
  uint8_t element_and_tlb;  // element_size() | tlb() << 4

  // The scratch register of the pointer, whose guest value is in spill[0]; the other one, and spill[1].
  [[nodiscard]] uint8_t address() const { return registers & 0xf; }
  [[nodiscard]] uint8_t index() const { return registers >> 4; }
  [[nodiscard]] FlagsPlace flags() const { return static_cast<FlagsPlace>(kinds & kFlags); }
  [[nodiscard]] bool write() const { return (kinds & kWrite) != 0; }
  [[nodiscard]] bool general() const { return (kinds & kGeneral) != 0; }  // DecodedInstruction::general
  // Of several instructions, or under a mask: which of them faults, if any, is for the interpreter to find.
  [[nodiscard]] bool several() const { return (kinds & kSeveral) != 0; }
  // Of several instructions, of which some may only read, while write() is set.
  [[nodiscard]] bool has_gaps() const { return (kinds & kGaps) != 0 && element_size() == 0; }
  // Of rep movs and rep stos: bytes of an element. The access is the whole run of rcx elements, within a
  // page, or with long_run() all of the instruction's. Else 0.
  [[nodiscard]] uint8_t element_size() const { return element_and_tlb & 0xf; }
  [[nodiscard]] bool long_run() const { return (kinds & kLong) != 0 && element_size() != 0; }
  [[nodiscard]] bool moves() const { return (kinds & kMoves) != 0; }  // with long_run(): rep movs
  [[nodiscard]] uint8_t tlb() const { return element_and_tlb >> 4; }  // the table
  [[nodiscard]] uint32_t page_number() const { return (kinds & kRelative) != 0 ? page_or_low : 0; }
  [[nodiscard]] uint64_t guest_rip() const {  // from the base of page_number() on
    return (kinds & kRelative) != 0 ? offset_or_high : uint64_t{offset_or_high} << 32 | page_or_low;
  }
};
static_assert(sizeof(AccessSite) == 16);

}  // namespace cumulet::hypervisor
