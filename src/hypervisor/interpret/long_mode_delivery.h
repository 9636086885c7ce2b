// Interrupt delivery in IA-32e mode (SDM volume 3, 6.14).
#pragma once

#include "hypervisor/interpret/delivery.h"

namespace cumulet::hypervisor {

// Delivers one event; as deliver(), for a processor in IA-32e mode.
[[nodiscard]] bool deliver_long_mode(Execution& x, const Event& event);

// Reads a stack pointer from the 64-bit TSS: RSP0 to RSP2 for level 0 to 2, or interrupt stack 1 to 7. Stops
// with #TS.
[[nodiscard]] bool read_tss_rsp(Execution& x, uint8_t level, uint32_t external, uint64_t& rsp);
[[nodiscard]] bool read_tss_ist(Execution& x, uint8_t ist, uint32_t external, uint64_t& rsp);

}  // namespace cumulet::hypervisor
