// Memory as instructions see it: segment checks, page splits, MMIO, data breakpoints.
#pragma once

#include <concepts>
#include <cstdint>

#include "base/bytes.h"
#include "hypervisor/interpret/execution.h"

namespace cumulet::hypervisor {

// The longest access that one call makes, in bytes: fnsave's image.
inline constexpr uint64_t kMaxAccessBytes = 108;

// Checks a segment's type and limit (in 64-bit mode: canonical form) for `size` bytes (at least 1) at
// `offset`, and gives the linear address. Stops with #GP(0), or #SS(0) for SS (SDM volume 3, 5.3 and 5.5).
[[nodiscard]] bool to_linear(Execution& x, SegmentRegister segment, uint64_t offset, uint64_t size,
                             AccessType type, uint64_t& linear);

// True when [offset, offset + size) lies within a segment's limit, expand-down segments included.
[[nodiscard]] bool within_limit(const Segment& segment, uint64_t offset, uint64_t size);

// Reads or writes linear memory. A write changes nothing unless all of it is permitted. Accesses outside RAM
// become MmioExit, one for each page touched. Stops with #PF, #AC, or an exit.
[[nodiscard]] bool read_linear(Execution& x, uint64_t linear, MutableByteView out,
                               AccessPrivilege privilege = AccessPrivilege::kCurrent);
[[nodiscard]] bool write_linear(Execution& x, uint64_t linear, ByteView bytes,
                                AccessPrivilege privilege = AccessPrivilege::kCurrent);
// Stops as a write of `size` bytes would, but writes nothing.
[[nodiscard]] bool check_write(Execution& x, uint64_t linear, uint64_t size);

// Translates one linear address for a data access. Stops with #PF.
[[nodiscard]] bool translate(Execution& x, uint64_t linear, AccessType type, AccessPrivilege privilege,
                             GuestAddress& physical);

// Segment checks and access in one.
[[nodiscard]] bool read_memory(Execution& x, SegmentRegister segment, uint64_t offset, MutableByteView out);
[[nodiscard]] bool write_memory(Execution& x, SegmentRegister segment, uint64_t offset, ByteView bytes);

// The same for one integer of 1 to 8 bytes.
[[nodiscard]] bool read_integer(Execution& x, SegmentRegister segment, uint64_t offset, unsigned size,
                                uint64_t& value);
[[nodiscard]] bool write_integer(Execution& x, SegmentRegister segment, uint64_t offset, unsigned size,
                                 uint64_t value);
[[nodiscard]] bool read_linear_integer(Execution& x, uint64_t linear, unsigned size, uint64_t& value,
                                       AccessPrivilege privilege = AccessPrivilege::kCurrent);
[[nodiscard]] bool write_linear_integer(Execution& x, uint64_t linear, unsigned size, uint64_t value,
                                        AccessPrivilege privilege = AccessPrivilege::kCurrent);

// Pushes to and pops from the current stack; `size` in bytes. RSP is updated at once (a stop rolls it back).
[[nodiscard]] bool push(Execution& x, unsigned size, uint64_t value);
[[nodiscard]] bool pop(Execution& x, unsigned size, uint64_t& value);
// The stack pointer as the current stack width sees it, and its update within that width.
[[nodiscard]] uint64_t stack_pointer(const Execution& x);
void set_stack_pointer(Execution& x, uint64_t value);

}  // namespace cumulet::hypervisor
