// Memory operands of AVX-512 instructions under an opmask register.
#pragma once

#include "hypervisor/interpret/compute.h"

namespace cumulet::hypervisor {

// Whether the instruction is EVEX encoded with an opmask other than k0.
[[nodiscard]] bool is_masked(const Execution& x);

// As run_native(), for an instruction that is_masked(), with a memory operand. Its bytes are found by letting
// the processor run it on a copy: so masked-out elements, compressed stores and truncations are exact without
// knowing any of them. Devices see reads of the whole operand, and stores of what is stored.
[[nodiscard]] bool run_masked(Execution& x, const NativeCode& code, const MemoryUse& use);

}  // namespace cumulet::hypervisor
