// Which decoded instructions take part in differential tests; the list of those that do not, and why.
#pragma once

#include <Zydis/Zydis.h>

namespace cumulet::differential {

// True if running the instruction natively and in a guest must leave the same state.
bool takes_part(const ZydisDecodedInstruction& instruction, const ZydisDecodedOperand* operands);

}  // namespace cumulet::differential
