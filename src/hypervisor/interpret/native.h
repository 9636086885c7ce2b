// NativeRunner: executes one re-encoded instruction on this processor with a guest's registers.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "hypervisor/vcpu/state.h"

namespace cumulet::hypervisor {

// What goes in and comes out. native_entry.S knows this layout.
struct NativeFrame {
  std::array<uint64_t, 16> gpr{};  // RSP's place is not loaded
  uint64_t flags = 0;              // arithmetic flags only
  const void* code = nullptr;
  uint8_t* xsave = nullptr;  // x87 and vector state to load and store, or null to leave it alone
  const uint8_t* host_xsave = nullptr;
  uint64_t fault = 0;          // 0, or the number of the exception that the instruction raised, plus 1
  uint64_t fault_address = 0;  // of a page fault, SIGSEGV's
  uint64_t components = 7;     // of that state: bits of XCR0
};

// Problem: "flags, rounding and faults exactly as the processor has them" is best answered by the processor
// itself. Invariants: code is written through one mapping and executed through another, never writable and
// executable at one address; a slot is written once between flushes. A fault (SIGFPE, SIGILL, SIGSEGV,
// SIGBUS) with RIP in a slot ends that run; any other goes to the handler installed before ours. Not
// thread-safe: one thread uses it, and only instructions that touch neither stack nor control flow may be
// run.
class NativeRunner {
 public:
  // Ends the process if the host gives no memory.
  NativeRunner();
  ~NativeRunner();
  NativeRunner(const NativeRunner&) = delete;
  NativeRunner& operator=(const NativeRunner&) = delete;

  // Runs `code` (position-independent, at most 20 bytes) with the frame's registers. Sets frame.fault.
  void run(ByteView code, NativeFrame& frame);

  // Bytes where a copied memory operand may live: 64-byte aligned, so that the copy can have the original's
  // alignment.
  static constexpr uint64_t kBufferSize = 256;
  [[nodiscard]] MutableByteView buffer() { return buffer_; }

 private:
  struct Slots;
  const void* slot_of(ByteView code);

  std::unique_ptr<Slots> slots_;
  alignas(64) std::array<uint8_t, kBufferSize> buffer_{};
};

// Makes every XSAVE component that the header calls initial really so, and marks it present. Afterwards the
// data of x87, SSE and AVX can be read and written in place (SDM volume 1, 13.6).
void normalize_xsave(CpuState& state);

// Makes of a loaded x87 control and status word what the processor makes of them: bits that do not exist are
// fixed, and ES and B say whether an exception waits, whatever the image said (SDM volume 1, 8.1.3 to 8.1.5).
void settle_x87(CpuState& state);

// Whether an x87 exception waits, which the next waiting x87 or MMX instruction reports. Precondition:
// normalized and settled.
[[nodiscard]] bool x87_error_waits(const CpuState& state);

// A pointer as a register value.
[[nodiscard]] uint64_t address_value(const void* pointer);

// The bits of MXCSR that this processor has (SDM volume 1, 11.6.6).
uint32_t host_mxcsr_mask();

}  // namespace cumulet::hypervisor
