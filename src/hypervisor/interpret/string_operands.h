// StringOperands: source, destination and counter of a string instruction.
#pragma once

#include <cstdint>

#include "hypervisor/interpret/execution.h"

namespace cumulet::hypervisor {

// Element size, address size, source segment and repeat prefix, as the instruction has them.
struct StringOperands {
  explicit StringOperands(const Execution& x);

  uint8_t element_size;  // bytes
  uint8_t address_bits;
  bool repeated;
  SegmentRegister source_segment = kDs;

  // Memory at [RSI] in the source segment, and at [RDI] in ES. Stop as memory accesses do.
  [[nodiscard]] bool load_source(Execution& x, uint64_t& value) const;
  [[nodiscard]] bool load_destination(Execution& x, uint64_t& value) const;
  [[nodiscard]] bool store_destination(Execution& x, uint64_t value) const;
  // Moves RSI or RDI on by one element, in the direction of DF.
  void advance_source(Execution& x) const;
  void advance_destination(Execution& x) const;
};

}  // namespace cumulet::hypervisor
