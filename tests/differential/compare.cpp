// Comparison of two outcomes, and the explicit list of what is not compared.
#include <algorithm>
#include <fmt/format.h>
#include <span>

#include "outcome.h"

#include "hypervisor/x86/extended_state.h"

namespace cumulet::differential {

namespace {

// RFLAGS bits that a user program can see change: arithmetic, DF, AC, ID. TF, IF, IOPL, VM are the system's
// own; RF is set in a fault's saved image by some processors and not by others.
constexpr uint64_t kArithmeticFlags = 0x8d5;
constexpr uint64_t kComparedFlags = kArithmeticFlags | 0x400 | 0x40000 | 0x200000;
constexpr uint8_t kBreakpointVector = 3;

// Parts of the XSAVE area that are not compared: the x87 instruction and data pointers (they hold host
// addresses of translated code; the processor keeps them only for unmasked x87 exceptions) with FOP,
// MXCSR_MASK, the software area 464-511, and the header, whose XSTATE_BV tells apart only how a state came
// about.
struct Hole {
  size_t begin, end;
};
constexpr Hole kHoles[] = {{6, 24}, {28, 32}, {416, 576}};

// Beyond AVX's state only the components of AVX-512 are state.
bool is_state(size_t offset) {
  using namespace hypervisor;
  constexpr size_t kAvxEnd = 832;
  const WideLayout& layout = host_wide_layout();
  auto within = [offset](size_t begin, size_t size) { return offset >= begin && offset < begin + size; };
  return offset < kAvxEnd || within(layout.opmask, WideLayout::kOpmaskSize) ||
         within(layout.upper_halves, WideLayout::kUpperHalvesSize) ||
         within(layout.high_registers, WideLayout::kHighRegistersSize);
}

bool in_hole(size_t offset) {
  if (!is_state(offset)) return true;
  return std::any_of(std::begin(kHoles), std::end(kHoles),
                     [offset](const Hole& hole) { return offset >= hole.begin && offset < hole.end; });
}

void compare_bytes(std::string& report, std::string_view name, uint64_t base, std::span<const uint8_t> native,
                   std::span<const uint8_t> guest, bool with_holes) {
  for (size_t i = 0; i < native.size(); ++i) {
    if (native[i] == guest[i] || (with_holes && in_hole(i))) continue;
    report +=
        fmt::format("  {} byte {:#x}: native {:02x}, guest {:02x}\n", name, base + i, native[i], guest[i]);
    return;  // the first is enough
  }
}

}  // namespace

std::string compare(const Outcome& native, const Outcome& guest, bool exact_flags_at_faults) {
  static constexpr std::string_view kNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                                "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
  std::string report;
  auto field = [&report](std::string_view name, uint64_t a, uint64_t b) {
    if (a != b) report += fmt::format("  {}: native {:#x}, guest {:#x}\n", name, a, b);
  };
  field("vector", native.vector, guest.vector);
  field("rip", native.registers.rip, guest.registers.rip);
  if (native.vector == guest.vector) {
    // Linux reports every address beyond user space as present, so that none of its own layout can be found
    // out.
    constexpr uint64_t kUserSpaceEnd = 0x7fff'ffff'f000;
    bool beyond_user_space = native.vector == 14 && native.fault_address >= kUserSpaceEnd;
    uint64_t compared = beyond_user_space ? ~uint64_t{1} : ~uint64_t{0};
    field("error code", native.error_code & compared, guest.error_code & compared);
    if (native.vector == 14) field("fault address", native.fault_address, guest.fault_address);
  }
  for (size_t i = 0; i < 16; ++i) field(kNames[i], native.registers.gpr[i], guest.registers.gpr[i]);
  bool finished = native.vector == kBreakpointVector;
  uint64_t flags = finished || exact_flags_at_faults ? kComparedFlags : kComparedFlags & ~kArithmeticFlags;
  field("rflags", native.registers.rflags & flags, guest.registers.rflags & flags);
  compare_bytes(report, "vector state", 0, native.registers.vector, guest.registers.vector, true);
  compare_bytes(report, "data", kDataBase, native.data, guest.data, false);
  compare_bytes(report, "stack", kStackBase, native.stack, guest.stack, false);
  return report;
}

}  // namespace cumulet::differential
