// Memory operands of AVX-512 instructions under an opmask register.
#pragma once

#include "hypervisor/interpret/compute.h"

namespace cumulet::hypervisor {

// Whether run_masked() is to be used: for EVEX encoded instructions with an opmask other than k0, and for the
// conversion that stores, whose page fault comes after it has noted in MXCSR what went wrong.
[[nodiscard]] bool finds_its_bytes(const Execution& x);

// As run_native(), for an instruction with a memory operand that is read or written. Its bytes are found by
// letting the processor run it on a copy: so masked-out elements, compressed stores and truncations are exact
// without knowing any of them. Devices see reads of the whole operand, and stores of what is stored.
[[nodiscard]] bool run_masked(Execution& x, const NativeCode& code, const MemoryUse& use);

}  // namespace cumulet::hypervisor
