// Control registers and EFER: what hardware accepts, and what a change makes stale.
#pragma once

#include <cstdint>

#include "hypervisor/interpret/execution.h"

namespace cumulet::hypervisor {

// Write a register with the checks of SDM volume 3, 2.5 and 4.1. Stop with #GP(0) for a combination that
// hardware refuses. Tell the observer what became stale.
[[nodiscard]] bool write_cr0(Execution& x, uint64_t value);
[[nodiscard]] bool write_cr3(Execution& x, uint64_t value);
[[nodiscard]] bool write_cr4(Execution& x, uint64_t value);
[[nodiscard]] bool write_efer(Execution& x, uint64_t value);

}  // namespace cumulet::hypervisor
