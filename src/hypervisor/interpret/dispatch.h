// The table from mnemonic to implementation.
#pragma once

#include "hypervisor/interpret/instructions.h"

namespace cumulet::hypervisor {

// Returns the implementation of an instruction; execute_natively for all that only compute.
[[nodiscard]] Handler handler_of(ZydisMnemonic mnemonic);

}  // namespace cumulet::hypervisor
