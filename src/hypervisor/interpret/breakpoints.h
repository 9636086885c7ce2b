// Hardware breakpoints of DR0 to DR3 and the single-step trap (SDM volume 3, 17.2).
#pragma once

#include <cstdint>

#include "hypervisor/interpret/execution.h"

namespace cumulet::hypervisor {

inline constexpr uint64_t kDr6SingleStep = 1 << 14, kDr6GeneralDetect = 1 << 13;

// True when DR7 enables a breakpoint at all.
[[nodiscard]] inline bool breakpoints_enabled(const CpuState& state) { return (state.dr7 & 0xff) != 0; }

// Records the enabled data breakpoints that this access hits; the trap is taken when the instruction
// finishes.
void note_data_breakpoints(Execution& x, uint64_t linear, uint64_t size, AccessType type);

// Records the enabled I/O breakpoints that this port access hits (CR4.DE).
void note_port_breakpoints(Execution& x, uint16_t port, uint8_t size);

// The DR6 bits of instruction breakpoints enabled at this linear address; 0 for none.
[[nodiscard]] uint64_t instruction_breakpoints(const CpuState& state, uint64_t linear);

}  // namespace cumulet::hypervisor
