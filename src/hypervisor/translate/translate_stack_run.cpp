// Several pushes or pops in a row, as functions begin and end with: one check, and flags kept once, for all
// of them.
#include "hypervisor/translate/translator.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint8_t kSlot = 8;
constexpr uint8_t kMaxSlots = 8;  // what CodePages' chunks and AccessSite allow

// Instructions that compilers put between pushes: they never fault, and leave rsp alone.
bool may_lie_between(const DecodedInstruction& instruction) {
  if (instruction.kind == InstructionKind::kNothing || instruction.kind == InstructionKind::kRipAddress)
    return true;
  if (instruction.kind != InstructionKind::kCopy || instruction.vex_size != 0) return false;
  if ((instruction.registers & (1 << kRsp)) != 0) return false;
  uint8_t opcode = instruction.bytes[instruction.opcode_offset];
  switch (opcode) {
    case 0x01:  // add
    case 0x03:
    case 0x29:  // sub
    case 0x2b:
    case 0x31:  // xor
    case 0x33:
    case 0x83:  // arithmetic with a byte
    case 0x85:  // test
    case 0x89:  // mov
    case 0x8b:
    case 0x8d: return true;                            // lea
    default: return opcode >= 0xb8 && opcode <= 0xbf;  // mov of a constant
  }
}
}  // namespace

// The run that begins with the current instruction. Not with kModeDirect, where no access is checked on its
// own.
Translator::StackRun Translator::find_stack_run() const {
  StackRun run;
  InstructionKind first = instructions_[current_].kind;
  bool pops = first == InstructionKind::kPopRegister;
  bool pushes = first == InstructionKind::kPushRegister || first == InstructionKind::kPushImmediate;
  if ((!pops && !pushes) || options_.single_instruction || (request_.mode & kModeDirect) != 0) return run;
  constexpr uint16_t kAddresses = 0xff & ~(1 << kRax | 1 << kRsp), kJump = 1 << kRcx | 1 << kR11;
  run.write = pushes;
  uint16_t used = 1 << kRsp;
  for (size_t i = current_; i < instructions_.size() && run.slots < kMaxSlots; ++i) {
    if (i > current_ && flow_[i].leader) break;  // jumps go there
    const DecodedInstruction& instruction = instructions_[i];
    bool returns = pops && instruction.kind == InstructionKind::kReturn;
    if (returns && (used & kJump) != 0) break;
    bool same = returns || (pops ? instruction.kind == InstructionKind::kPopRegister
                                 : instruction.kind == InstructionKind::kPushRegister ||
                                       instruction.kind == InstructionKind::kPushImmediate);
    if (!same && !may_lie_between(instruction)) break;
    bool names_rsp = instruction.kind != InstructionKind::kPushImmediate && !returns &&
                     instruction.operand_register == kRsp;
    if (same && names_rsp) break;
    auto more = static_cast<uint16_t>(used | instruction.registers);
    auto free = static_cast<uint16_t>(~more & ~(1 << kRax));
    if ((free & kAddresses) == 0 || (free & (free - 1)) == 0) break;
    used = more;
    if (!same) continue;
    run.registers = used;
    run.end = i + 1;
    ++run.slots;
    run.returns = returns;
    if (returns) break;
  }
  return run;
}

// One instruction of a run, whose slot is at address_ + offset.
void Translator::translate_in_stack_run(const DecodedInstruction& instruction, int32_t offset) {
  MemoryExpression slot{address_, MemoryExpression::kNone, 0, offset};
  switch (instruction.kind) {
    case InstructionKind::kPushRegister: return hot_.store(slot, instruction.operand_register);
    case InstructionKind::kPushImmediate:
      return hot_.store_immediate(slot, static_cast<int32_t>(instruction.immediate));
    case InstructionKind::kPopRegister: return hot_.load(instruction.operand_register, slot);
    case InstructionKind::kReturn: return hot_.load(address_, slot);
    case InstructionKind::kRipAddress: return translate_rip_address(instruction);
    case InstructionKind::kCopy: return translate_copy(instruction);
    default: return;
  }
}

// False: there is none. If the check fails, the first instruction is done alone. Nothing faults behind it, so
// rsp need not move before the end.
bool Translator::translate_stack_run() {
  StackRun run = find_stack_run();
  if (run.slots < 2) return false;
  if (run.returns) acquire_jump_scratch();
  acquire_scratch(run.registers, flags_live());
  FlagsPlace flags = save_flags(run.registers);
  int32_t size = run.slots * kSlot;
  check_access(Address::at(kRsp, run.write ? -size : 0), static_cast<uint8_t>(size), run.write, flags, true);
  restore_flags(flags);
  reload_rax(flags);
  record(false);
  int32_t offset = run.write ? size - kSlot : 0;
  for (; current_ < run.end; ++current_) {
    const DecodedInstruction& instruction = instructions_[current_];
    translate_in_stack_run(instruction, offset);
    if (!may_lie_between(instruction)) offset += run.write ? -kSlot : kSlot;
  }
  --current_;
  auto dropped = static_cast<int32_t>(instructions_[current_].immediate);
  hot_.lea(kRsp, kRsp, run.write ? -size : run.returns ? size + dropped : size);
  if (run.returns) jump_to_rcx(request_.mode, -(kSlot + dropped));
  return true;
}

}  // namespace cumulet::hypervisor
