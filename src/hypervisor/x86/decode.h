// decode_64bit: one 64-bit-mode instruction as the translator needs it: what it touches and how to re-encode
// it.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace cumulet::hypervisor {

// What an instruction is to a translator that keeps guest registers in the host's registers.
enum class InstructionKind : uint8_t {
  kCopy,        // computes on registers only: its bytes may run as they are
  kMemory,      // the same, with one memory operand given by ModRM
  kBitString,   // bt, bts, btr, btc [memory], register: the bit offset moves the address
  kNothing,     // prefetches and nops: no effect
  kRipAddress,  // lea with a RIP-relative operand: loads the constant `target`
  kPushRegister,
  kPushImmediate,
  kPushMemory,
  kPopRegister,
  kLeave,
  kPushFlags,
  kJump,             // to `target`
  kJumpConditional,  // to `target` or to the next instruction: jcc, loop, jrcxz
  kJumpRegister,
  kJumpMemory,
  kCall,
  kCallRegister,
  kCallMemory,
  kReturn,  // `immediate` is what it adds to rsp besides 8
  kClearInterrupts,
  kSetInterrupts,
  kClearDirection,
  kSetAccess,    // stac
  kClearAccess,  // clac
  kSerialize,
  kReadTsc,
  kReadTscAux,  // rdtscp
  kSwapGs,
  kRepeatMove,   // rep movs of `operand_size` bytes each, with 64-bit addresses in flat segments
  kRepeatStore,  // rep stos, likewise
  kSystem,       // `system` says which
  kReadSegment,  // mov of segment register `immediate` to the general register of operand_size bytes
  kInterpret,    // everything else
};

// The system instructions, in their 64-bit forms, that are frequent enough for a way of their own.
enum class SystemOperation : uint8_t {
  kSyscall,
  kSysret,
  kInterruptReturn,
  kPopFlags,
  kReadMsr,
  kWriteMsr,
  kReadFsBase,  // of `operand_register`, as the next three
  kReadGsBase,
  kWriteFsBase,
  kWriteGsBase,
  kReadControl,   // control register `immediate` to `operand_register`
  kWriteControl,  // the reverse
  kInvalidatePage,
  kSaveExtended,  // xsave64 and xsaveopt64
  kRestoreExtended,
  kCpuid,
};
inline constexpr size_t kSystemOperations = 16;

// kSse stands for x87 and MMX too, kWide for AVX-512.
enum class ExtendedState : uint8_t { kNone, kSse, kAvx, kWide };

// The memory operand.
struct MemoryOperand {
  uint8_t size = 0;  // bytes; 0 = no memory operand
  bool write = false;
  bool rip_relative = false;  // then the address is the constant `target`
  bool address32 = false;
  bool masked = false;             // by an opmask register: not all of its bytes need to be there
  uint8_t displacement_shift = 0;  // an 8-bit displacement counts units of so many bytes (log2)
  enum class Base : uint8_t { kZero, kFs, kGs } segment = Base::kZero;
};

// A decoded instruction. Register numbers and masks use the hardware encoding.
struct DecodedInstruction {
  InstructionKind kind = InstructionKind::kInterpret;
  uint8_t length = 0;  // bytes; 0 = the bytes are not an instruction, or are cut off
  std::array<uint8_t, 15> bytes{};
  uint16_t registers = 0;          // general registers that it reads or writes, also implicitly
  uint16_t registers_written = 0;  // those of them that it may write; rsp of stack and flow kinds not counted
  uint16_t registers_read =
      0;                    // those of them whose value it may depend on, for explicit operands; see also rsp
  uint16_t flags_read = 0;  // bits of RFLAGS (arithmetic ones only)
  uint16_t flags_killed = 0;  // written in every case, whatever they were
  ExtendedState state = ExtendedState::kNone;
  SystemOperation system = SystemOperation::kSyscall;
  // Whatever it does, also when it is interpreted or faults: x87 and vector state are not looked at.
  bool general = false;
  MemoryOperand memory;
  uint8_t operand_register = 0;  // of the kinds that name one register
  uint8_t operand_size = 0;      // bytes
  uint64_t target = 0;           // linear address: of a direct jump, or of a RIP-relative operand
  int64_t immediate = 0;
  // Offsets into `bytes`, 0 where there is no such thing.
  uint8_t rex_offset = 0, vex_offset = 0, vex_size = 0, opcode_offset = 0, modrm_offset = 0;
  uint8_t operand_end = 0;  // first byte after ModRM, SIB and displacement
};

// Decodes the instruction at the start of `bytes`, which lies at linear address `rip`.
DecodedInstruction decode_64bit(ByteView bytes, uint64_t rip);

// A short piece of machine code.
struct EncodedBytes {
  std::array<uint8_t, 24> bytes{};
  uint8_t size = 0;
  void append(uint8_t byte) { bytes[size++] = byte; }
  [[nodiscard]] ByteView view() const { return ByteView(bytes).first(size); }
};

// The instruction with its memory operand replaced by [base]. `base` is below 8 and not rsp, so that no REX
// prefix has to be added, which would change the meaning of ah, ch, dh and bh. Precondition: it has a ModRM
// memory operand.
EncodedBytes with_memory_base(const DecodedInstruction& instruction, uint8_t base);

// lea destination, [the instruction's memory operand], without the segment's base. Leaves flags alone.
// Precondition: as above, and not RIP-relative.
EncodedBytes load_operand_address(const DecodedInstruction& instruction, uint8_t destination);

}  // namespace cumulet::hypervisor
