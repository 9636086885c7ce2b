// Generator: random instruction sequences of every class that the decoder knows and the guest is shown.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "outcome.h"

namespace cumulet::differential {

// Draws instructions by opcode bytes, not from a list, so that nothing is forgotten: random prefixes, maps,
// operands; memory operands based on registers that mostly point into the data area (also across its pages
// and its end). Deterministic: the same seed gives the same sequences on every machine.
class Generator {
 public:
  // `wide_percent` of the instructions are AVX-512's.
  explicit Generator(uint64_t seed, unsigned wide_percent = 25)
      : random_(seed), wide_percent_(wide_percent) {}

  // Returns a start with 1 to `most_instructions` instructions.
  Start next(unsigned most_instructions);

 private:
  void append_instruction(Start& start, bool last);
  std::vector<uint8_t> draw_bytes();
  std::vector<uint8_t> draw_repeated();
  std::vector<uint8_t> draw_wide();
  std::vector<uint8_t> draw_opmask_operation();
  std::vector<uint8_t> draw_gather_or_scatter();
  void draw_operands(std::vector<uint8_t>& bytes);
  void draw_wide_registers(VectorState& vector);
  void draw_registers(Registers& registers);
  bool chance(unsigned percent) { return below(100) < percent; }
  uint64_t below(uint64_t limit) { return random_() % limit; }
  uint64_t interesting_value();

  std::mt19937_64 random_;
  unsigned wide_percent_;
};

// Returns the sequence as assembly text, one instruction a line.
std::string disassemble(const Start& start);

}  // namespace cumulet::differential
