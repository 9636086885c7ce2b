// Stubs: the fixed code at the start of the code cache: the way into translated code, and the ways out.
#pragma once

#include <cstdint>
#include <vector>

#include "hypervisor/translate/context.h"

namespace cumulet::hypervisor {

// Host code addresses. The jump targets expect the guest's registers and flags in the host's.
struct Stubs {
  uint64_t enter =
      0;              // void(Context*), System V ABI: runs translated code at Context::target until it leaves
  uint64_t link = 0;  // leave with LeaveReason::kLink; state.rip and Context::link are set
  uint64_t lookup = 0;     // leave with kLookup; state.rip is set
  uint64_t interpret = 0;  // leave with kInterpret; state.rip is set
  uint64_t access_miss =
      0;  // fill the TLB for miss_linear and miss_site, and go on there; or leave with kInterpret
  uint64_t leave_fault = 0;  // where the signal handler goes: registers are saved, rsp is the host's
  uint64_t size = 0;
};

// Called from the access_miss stub with the guest's registers in state.gpr. True: the access may happen, its
// host address is in the site's address register. False: the instruction must be interpreted; state is exact.
using AccessMissHandler = bool (*)(Context*);

// Generates the stubs for code that will be placed at `address`; `layout` is any Context.
std::vector<uint8_t> generate_stubs(uint64_t address, const Context& layout, AccessMissHandler handler,
                                    Stubs& stubs);

}  // namespace cumulet::hypervisor
