// Running re-encoded instructions on the host's arithmetic units with guest registers and memory.
#pragma once

#include "hypervisor/interpret/execution.h"
#include "hypervisor/interpret/recode.h"

namespace cumulet::hypervisor {

// The unit that an instruction runs on; kNone: this processor does not have it.
enum class Unit : uint8_t { kNone, kInteger, kVexInteger, kX87, kMmx, kSse, kAvx, kWide };

// Stops with #UD or #NM unless the operating system has enabled the unit (SDM volume 3, 2.5, 13 and 14).
[[nodiscard]] bool require_unit(Execution& x, Unit unit);

// How an instruction uses its memory operand.
struct MemoryUse {
  SegmentRegister segment = kDs;
  uint64_t offset = 0;
  uint64_t size = 0;  // bytes; 0: no memory operand
  bool reads = false;
  bool writes = false;
  bool atomic = false;
  bool x87_store = false;  // of a number: leaves memory alone when it raises an unmasked exception
};

// Runs `code`, which stands for the instruction being executed, with its memory operand at host address
// `pointer`. Stops with the exceptions that the host's processor raises; for a page fault only sets
// `page_fault` to its address.
[[nodiscard]] bool run_at(Execution& x, const NativeCode& code, const MemoryUse& use, bool vector,
                          uint64_t pointer, std::optional<uint64_t>* page_fault = nullptr);

// Runs `code`, which stands for the instruction being executed, with its memory operand at `use`. `vector`
// says that it needs x87 or vector state. Atomic use of RAM within one page is atomic towards other
// processors. Stops with the exceptions that the host's processor raises for it, or those of its memory
// accesses.
[[nodiscard]] bool run_native(Execution& x, const NativeCode& code, const MemoryUse& use, bool vector);

}  // namespace cumulet::hypervisor
