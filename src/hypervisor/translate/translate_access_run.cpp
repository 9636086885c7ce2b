// Several accesses at the same base register, as to the fields of a structure: one check, and flags kept
// once, for all of them.
#include <algorithm>

#include "base/check.h"
#include "hypervisor/translate/translator.h"

namespace cumulet::hypervisor {

namespace {
constexpr int64_t kMostBytes = 64;  // what CodePages' chunks allow
constexpr uint8_t kTwoByte = 0x0f;

// div and idiv: between a check for writing and the write nothing may fault, as the page is dirty then.
bool divides(const DecodedInstruction& instruction) {
  if (instruction.vex_size != 0 || instruction.modrm_offset != instruction.opcode_offset + 1) return false;
  uint8_t opcode = instruction.bytes[instruction.opcode_offset];
  uint8_t digit = instruction.bytes[instruction.modrm_offset] >> 3 & 7;
  return (opcode & 0xfe) == 0xf6 && digit >= 6;
}

// movups, movaps, movdqa and their like, which raise no exceptions of their own.
bool moves_vector(const DecodedInstruction& instruction) {
  uint8_t map_bits = instruction.vex_size == 4 ? 0x07 : 0x1f;  // of VEX and EVEX
  size_t at = instruction.opcode_offset;
  uint8_t opcode = instruction.bytes[at];
  if (instruction.memory.masked) return false;
  if (instruction.vex_size == 0) {
    if (opcode != kTwoByte) return false;
    opcode = instruction.bytes[at + 1];
  } else if (instruction.vex_size >= 3 && (instruction.bytes[instruction.vex_offset + 1] & map_bits) != 1) {
    return false;
  }
  return opcode == 0x10 || opcode == 0x11 || opcode == 0x28 || opcode == 0x29 || opcode == 0x6f ||
         opcode == 0x7f;
}

// A conditional jump out of the run: what lies behind it may not happen.
bool may_lie_between(const DecodedInstruction& instruction) {
  if (instruction.kind == InstructionKind::kJumpConditional) return true;
  if (instruction.state != ExtendedState::kNone || divides(instruction)) return false;
  return instruction.kind == InstructionKind::kCopy || instruction.kind == InstructionKind::kNothing ||
         instruction.kind == InstructionKind::kRipAddress;
}

bool same_base(const MemoryExpression& a, const MemoryExpression& b) {
  return a.base == b.base && a.index == b.index && a.scale_shift == b.scale_shift;
}

uint16_t mask_of(uint8_t reg) {
  return reg == MemoryExpression::kNone ? uint16_t{0} : static_cast<uint16_t>(1 << reg);
}
}  // namespace

bool Translator::may_be_in_access_run(const DecodedInstruction& instruction) const {
  const MemoryOperand& memory = instruction.memory;
  if (instruction.kind != InstructionKind::kMemory || memory.rip_relative || memory.address32 ||
      memory.segment != MemoryOperand::Base::kZero || divides(instruction))
    return false;
  if (instruction.state == ExtendedState::kNone) return true;
  return (request_.mode & kModeUser) != 0 && moves_vector(instruction);
}

// The run that begins with the current instruction. Not with kModeDirect, where checks are few.
Translator::AccessRun Translator::find_access_run() const {
  AccessRun run;
  const DecodedInstruction& first = instructions_[current_];
  if (options_.single_instruction || (request_.mode & kModeDirect) != 0 || !may_be_in_access_run(first))
    return run;
  run.address = memory_expression(first);
  auto bases = static_cast<uint16_t>(mask_of(run.address.base) | mask_of(run.address.index));
  auto used = static_cast<uint16_t>(flags_live() ? 1 << kRax : 0);
  int64_t low = run.address.displacement, high = low;
  bool certain = true;
  for (size_t i = current_; i < instructions_.size(); ++i) {
    if (i > current_ && (!flow_[i - 1].falls || flow_[i].entered)) break;
    const DecodedInstruction& instruction = instructions_[i];
    bool member = may_be_in_access_run(instruction);
    if (member) {
      MemoryExpression address = memory_expression(instruction);
      if (!same_base(address, run.address) || (instruction.memory.write && !certain)) break;
      low = std::min<int64_t>(low, address.displacement);
      high = std::max(high, int64_t{address.displacement} + instruction.memory.size);
      if (high - low > kMostBytes) break;
    } else if (!may_lie_between(instruction)) {
      break;
    }
    certain &= instruction.kind != InstructionKind::kJumpConditional;
    used |= instruction.registers;
    if (!leaves_scratch(used)) break;
    if (member) {
      run.registers = used;
      run.write |= instruction.memory.write;
      run.read_only_part |= !instruction.memory.write;
      run.address.displacement = static_cast<int32_t>(low);
      run.size = static_cast<uint8_t>(high - low);
      run.end = i + 1;
      ++run.members;
    }
    if ((instruction.registers_written & bases) != 0) break;
  }
  return run;
}

// False: there is none. If the check fails, the first instruction is done alone.
bool Translator::translate_access_run() {
  const AccessRun run = find_access_run();
  if (run.members < 2) return false;
  acquire_scratch(run.registers, flags_live());
  FlagsPlace flags = save_flags(instructions_[current_].registers);
  check_access({Address::Form::kExpression, run.address}, run.size, run.write, flags, true,
               run.write && run.read_only_part ? AccessSite::kGaps : uint8_t{0});
  restore_flags(flags);
  reload_rax(flags);
  for (; current_ < run.end; ++current_) {
    const DecodedInstruction& instruction = instructions_[current_];
    switch (instruction.kind) {
      case InstructionKind::kCopy: translate_copy(instruction); break;
      case InstructionKind::kRipAddress: translate_rip_address(instruction); break;
      case InstructionKind::kJumpConditional: translate_region_conditional(instruction); break;
      case InstructionKind::kMemory: {
        int32_t offset = memory_expression(instruction).displacement - run.address.displacement;
        record(false);
        auto code = with_memory_expression(instruction, {address_, MemoryExpression::kNone, 0, offset});
        CHECK(code.has_value());
        hot_.raw(code->view());
        break;
      }
      default: break;
    }
  }
  --current_;
  return true;
}

}  // namespace cumulet::hypervisor
