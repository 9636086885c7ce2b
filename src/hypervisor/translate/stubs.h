// Stubs: the fixed code at the start of the code cache: the way into translated code, and the ways out.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "hypervisor/translate/context.h"
#include "hypervisor/translate/quick_path.h"

namespace cumulet::hypervisor {

// Host code addresses. The jump targets expect the guest's registers and flags in the host's.
//
// Leaving has three ways. The quick one calls C++ that touches general registers only (QuickPath), and
// becomes a light one if that wants it. The light one calls C++ in the middle: general registers go to
// state.gpr, the vector registers aside; x87 state stays where it is, and CpuState::xsave is not valid
// meanwhile. The full one, for everything else, stores all state and returns from `enter`.
struct LeaveStubs {
  uint64_t link = 0;               // quick, LeaveReason::kLink; state.rip and Context::link are set
  uint64_t lookup = 0;             // light, kLookup; state.rip is set
  uint64_t interpret_general = 0;  // light, kInterpretGeneral; state.rip is set
  uint64_t interpret = 0;          // full, kInterpret; state.rip is set
  std::array<uint64_t, kSystemOperations> system{};  // quick: state.rip and Context::operand are set
};

struct Stubs {
  uint64_t enter =
      0;  // void(Context*), System V ABI: runs translated code at Context::target until it leaves
  LeaveStubs leave;
  // The same for kModeRelative: state.rip is relative to the page base with the number Context::page_number.
  LeaveStubs leave_relative;
  uint64_t dropped = 0;  // light, kDropped; Context::link is the block's number
  // quick, kIndirect: the target is in rcx, whose guest value is in spill[0], and r11's is in spill[1]
  uint64_t indirect_miss = 0;
  uint64_t region_miss = 0;  // light, kRegionMiss; miss_upper, miss_linear and link are set; state.rip is
                             // relative to page_number
  uint64_t access_miss = 0;  // quick: the low half of miss_site is set
  uint64_t leave_fault = 0;  // full: where the signal handler goes: registers are saved, rsp is the host's
};

// Called on a light leave. True: translated code goes on at Context::target with state.gpr and resume_flags.
// False: it is left; Context::reason and host_flags say how.
using LightLeaveHandler = bool (*)(Context*);

struct StubHandlers {
  LightLeaveHandler leave;  // for link, lookup, indirect_miss and interpret_general, and after the quick way
  QuickHandlers quick;
};

// Host addresses that stubs follow.
struct StubMemory {
  uint64_t ram;    // of the guest RAM's memfd
  uint64_t pages;  // CodePages::table()
};

// Generates the stubs for code that will be placed at `address`; `layout` is any Context.
std::vector<uint8_t> generate_stubs(uint64_t address, const Context& layout, const StubHandlers& handlers,
                                    const StubMemory& memory, Stubs& stubs);

}  // namespace cumulet::hypervisor
