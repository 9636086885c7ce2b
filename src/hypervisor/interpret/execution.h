// Execution: the one instruction that the interpreter is executing, and how it ends.
#pragma once

#include <Zydis/Zydis.h>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "hypervisor/interpret/cpu.h"
#include "hypervisor/interpret/fault.h"
#include "hypervisor/interpret/request_log.h"
#include "hypervisor/vcpu/exit.h"

namespace cumulet::hypervisor {

class NativeRunner;

inline constexpr uint8_t kMaxInstructionBytes = 15;

// An instruction as Zydis decoded it, with its bytes.
struct FetchedInstruction {
  ZydisDecodedInstruction info;
  std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
  std::array<uint8_t, kMaxInstructionBytes> bytes;
  uint8_t length = 0;  // 0: nothing decoded
  ZydisMachineMode mode = ZYDIS_MACHINE_MODE_LONG_64;
};

// Everything that an instruction's implementation works on.
//
// Functions that can stop the instruction return bool: true, go on; false, the instruction stops here and
// `exception` or `exit` says why. An instruction that stops leaves no trace: general registers, RIP and
// RFLAGS go back to what they were at the last checkpoint, and everything else in the state is changed only
// after the last thing that can stop. (Bytes already written to memory stay; writing them again is harmless.)
struct Execution {
  explicit Execution(Cpu& processor);
  ~Execution();

  Cpu& cpu;
  CpuState& state;
  const FetchedInstruction* decoded = nullptr;
  uint8_t code_bits = 64;  // 16, 32 or 64: the code segment's size
  uint64_t next_rip = 0;   // where RIP goes when the instruction finishes

  std::optional<Exception> exception = {};
  std::optional<Exit> exit = {};
  bool exit_when_done = false;  // `exit` is returned after the instruction finishes, not instead
  bool repeat = false;          // a repeated string instruction did some iterations and RIP stays
  uint64_t debug_hits = 0;      // DR6 bits of data breakpoints hit and other traps due after the instruction
  RequestLog requests;
  std::unique_ptr<NativeRunner> native;

  [[nodiscard]] const ZydisDecodedInstruction& info() const { return decoded->info; }
  [[nodiscard]] const ZydisDecodedOperand& operand(int index) const { return decoded->operands[index]; }
  [[nodiscard]] bool has(ZydisInstructionAttributes attribute) const {
    return (decoded->info.attributes & attribute) != 0;
  }
  [[nodiscard]] bool protected_mode() const { return (state.cr0 & cr0::kPe) != 0; }
  [[nodiscard]] bool code64() const { return code_bits == 64; }
  [[nodiscard]] uint8_t iopl() const { return (state.rflags >> 12) & 3; }
  // The width of stack pointer that pushes and pops use, in bits (SDM volume 1, 6.2.3).
  [[nodiscard]] uint8_t stack_bits() const {
    return code64() ? 64 : state.segments[kSs].default_big() ? 32 : 16;
  }

  // Ends the instruction with an exception. Always false, for `return x.stop(...)`.
  bool stop(const Exception& why) {
    exception = why;
    return false;
  }
  // Ends the instruction with an exit, to be executed again.
  bool stop_for(Exit why);
  // Lets the instruction finish, and then exit. Always true.
  bool finish_with(Exit why);
  // #GP(0) unless CPL is 0.
  [[nodiscard]] bool require_cpl0() { return cpu.cpl() == 0 || stop(general_protection()); }

  // Makes the registers as they are now what a stop goes back to.
  void checkpoint();
  void roll_back();

 private:
  std::array<uint64_t, 16> saved_gpr_{};
  uint64_t saved_rip_ = 0, saved_rflags_ = 0;
};

// A mask of the low `bits` bits, 1 to 64.
constexpr uint64_t low_mask(unsigned bits) { return bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1; }

// True when bits 63:47 are all equal (SDM volume 1, 3.3.7.1).
constexpr bool is_canonical(uint64_t address) {
  return static_cast<uint64_t>(static_cast<int64_t>(address << 16) >> 16) == address;
}

}  // namespace cumulet::hypervisor
