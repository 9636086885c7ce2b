// Matching accesses against the debug registers.
#include "hypervisor/interpret/breakpoints.h"

namespace cumulet::hypervisor {

namespace {
// R/W field of DR7 (SDM volume 3, 17.2.4).
enum class BreakOn : uint8_t { kExecute = 0, kWrite = 1, kPort = 2, kAccess = 3 };

bool enabled(uint64_t dr7, int index) { return (dr7 >> (index * 2) & 3) != 0; }
BreakOn break_on(uint64_t dr7, int index) { return static_cast<BreakOn>(dr7 >> (16 + index * 4) & 3); }
uint64_t length(uint64_t dr7, int index) {
  constexpr uint8_t kLengths[] = {1, 2, 8, 4};  // bytes, by the LEN field
  return kLengths[dr7 >> (18 + index * 4) & 3];
}

bool overlaps(uint64_t breakpoint, uint64_t breakpoint_size, uint64_t start, uint64_t size) {
  breakpoint &= ~(breakpoint_size - 1);
  return start < breakpoint + breakpoint_size && breakpoint < start + size;
}
}  // namespace

void note_data_breakpoints(Execution& x, uint64_t linear, uint64_t size, AccessType type) {
  if (!breakpoints_enabled(x.state)) return;
  for (int i = 0; i < 4; ++i) {
    BreakOn kind = break_on(x.state.dr7, i);
    bool matches = kind == BreakOn::kAccess || (kind == BreakOn::kWrite && type == AccessType::kWrite);
    if (enabled(x.state.dr7, i) && matches && overlaps(x.state.dr[i], length(x.state.dr7, i), linear, size))
      x.debug_hits |= uint64_t{1} << i;
  }
}

void note_port_breakpoints(Execution& x, uint16_t port, uint8_t size) {
  if (!breakpoints_enabled(x.state) || (x.state.cr4 & cr4::kDe) == 0) return;
  for (int i = 0; i < 4; ++i) {
    if (enabled(x.state.dr7, i) && break_on(x.state.dr7, i) == BreakOn::kPort &&
        overlaps(x.state.dr[i], length(x.state.dr7, i), port, size))
      x.debug_hits |= uint64_t{1} << i;
  }
}

uint64_t instruction_breakpoints(const CpuState& state, uint64_t linear) {
  uint64_t hits = 0;
  for (int i = 0; i < 4; ++i) {
    if (enabled(state.dr7, i) && break_on(state.dr7, i) == BreakOn::kExecute && state.dr[i] == linear)
      hits |= uint64_t{1} << i;
  }
  return hits;
}

}  // namespace cumulet::hypervisor
