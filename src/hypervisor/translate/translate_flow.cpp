// Jumps, calls and returns: chained within a page, through the jump cache otherwise.
#include "hypervisor/translate/translator.h"

namespace cumulet::hypervisor {

namespace {
bool fits_signed32(uint64_t value) { return static_cast<uint64_t>(static_cast<int32_t>(value)) == value; }
}  // namespace

// A chained jump is not looked up again when address translations change. Within the page that is right:
// whoever runs this block got here by a lookup that found this page where the target is too.
bool Translator::chainable_target(uint64_t target) const {
  return !single_instruction_ && (target & kPageMask) == (request_.rip & kPageMask);
}

// Jumps to the translation that the jump cache has for `target`, or leaves. Returns the address of the code,
// which goes to `out`. The line of the cache is known now, so only its tag is compared.
void Translator::cached_jump(Emitter& out, uint64_t target, CodeMode mode, uint64_t miss) {
  const JumpEntry& line = layout_.jumps[mode][jump_index(target)];
  int32_t tag = context_offset(layout_, &line.rip);
  int32_t kept_rax = context_offset(layout_, &layout_.spill[2]);
  out.store_context(kept_rax, kRax);
  out.flags_to_rax();
  if (fits_signed32(target)) {
    out.compare_context(tag, static_cast<int32_t>(target));
  } else {
    int32_t kept_rcx = context_offset(layout_, &layout_.temporary);
    out.store_context(kept_rcx, kRcx);
    out.move_immediate(kRcx, target);
    out.compare_context_register(tag, kRcx);
    out.load_context(kRcx, kept_rcx);
  }
  out.jump_if(Condition::kNotEqual, miss);
  out.flags_from_rax();
  out.load_context(kRax, kept_rax);
  out.jump_context(context_offset(layout_, &line.code));
}

// Cold code for a direct jump whose rel32 is at `relative_address` (0: it is not to be chained). Returns
// where the jump goes until it is chained.
uint64_t Translator::jump_target_stub(uint64_t target, CodeMode mode, uint64_t relative_address) {
  int32_t rip = context_offset(layout_, &layout_.cpu.state.rip);
  uint64_t miss = cold_.here();
  cold_.flags_from_rax();
  cold_.load_context(kRax, context_offset(layout_, &layout_.spill[2]));
  uint64_t lookup = cold_.here();
  cold_.store_context_immediate64(rip, target);
  cold_.jump(stubs_.lookup);
  if (single_instruction_) return lookup;

  uint64_t cached = cold_.here();
  cached_jump(cold_, target, mode, miss);
  if (relative_address == 0) return cached;

  uint64_t leave = cold_.here();
  auto number = static_cast<uint32_t>(request_.first_link + result_.links.size());
  cold_.store_context_immediate64(rip, target);
  cold_.store_context_immediate64(context_offset(layout_, &layout_.link), number);
  cold_.jump(stubs_.link);
  result_.links.push_back({relative_address, leave, cached, target, mode});
  return leave;
}

// Precondition: the scratch registers are released.
void Translator::translate_jump(uint64_t target, CodeMode mode) {
  ended_ = true;
  if (chainable_target(target)) {
    hot_.align(4, 1);
    hot_.jump(jump_target_stub(target, mode, hot_.here() + 1));
  } else if (single_instruction_) {
    hot_.jump(jump_target_stub(target, mode, 0));
  } else {
    uint64_t miss = cold_.here();
    cold_.flags_from_rax();
    cold_.load_context(kRax, context_offset(layout_, &layout_.spill[2]));
    cold_.store_context_immediate64(context_offset(layout_, &layout_.cpu.state.rip), target);
    cold_.jump(stubs_.lookup);
    cached_jump(hot_, target, mode, miss);
  }
}

void Translator::translate_conditional_jump(const DecodedInstruction& instruction) {
  constexpr uint8_t kLoopne = 0xe0, kJrcxz = 0xe3, kTwoByte = 0x0f;
  release_scratch();
  uint8_t opcode = instruction.bytes[instruction.opcode_offset];
  if (opcode >= kLoopne && opcode <= kJrcxz) {
    // These have a short displacement only: over a short jump to a long one.
    const uint8_t code[] = {opcode, 2, 0xeb, 5};
    hot_.raw(code);
    hot_.jump(jump_target_stub(instruction.target, request_.mode, 0));
  } else {
    if (opcode == kTwoByte) opcode = instruction.bytes[instruction.opcode_offset + 1];
    bool chainable = chainable_target(instruction.target);
    hot_.align(4, 2);
    uint64_t relative = chainable ? hot_.here() + 2 : 0;
    hot_.jump_if(static_cast<Condition>(opcode & 0xf),
                 jump_target_stub(instruction.target, request_.mode, relative));
  }
  translate_jump(next_rip(), request_.mode);
}

// Jumps to the linear address in address_. Expects flags in rax and rax in spill[2], scratch registers
// spilled. A jump to an address that is not canonical faults itself: then `undo` is added to rsp, and the
// interpreter does the instruction again.
void Translator::jump_to_address_register(int32_t undo) {
  auto restore = [&](Emitter& out) {
    out.flags_from_rax();
    out.load_context(kRax, context_offset(layout_, &layout_.spill[2]));
    out.load_context(address_, context_offset(layout_, &layout_.spill[0]));
    out.load_context(index_, context_offset(layout_, &layout_.spill[1]));
  };
  const JumpEntry& first = layout_.jumps[request_.mode][0];
  int32_t target = context_offset(layout_, &layout_.target);
  hot_.store_context(context_offset(layout_, &layout_.cpu.state.rip), address_);
  uint64_t not_canonical = cold_.here();
  restore(cold_);
  if (undo != 0) cold_.lea(kRsp, kRsp, undo);
  leave_to_interpreter(cold_);
  uint64_t miss = cold_.here();
  cold_.move(index_, address_);
  cold_.shift_left(index_, 16, true);
  cold_.shift_right_arithmetic(index_, 16);
  cold_.subtract(index_, address_);
  cold_.jump_if(Condition::kNotEqual, not_canonical);
  restore(cold_);
  cold_.jump(stubs_.lookup);
  if (single_instruction_) {
    hot_.jump(miss);
  } else {
    hot_.move32(index_, address_);
    hot_.shift_right(index_, kJumpEntryBits, false);
    hot_.xor32(index_, address_);
    hot_.and32(index_, kJumpEntries - 1);
    hot_.shift_left(index_, kJumpEntryShift, false);
    hot_.compare_indexed(address_, index_, context_offset(layout_, &first.rip));
    hot_.jump_if(Condition::kNotEqual, miss);
    hot_.load_indexed(index_, index_, context_offset(layout_, &first.code));
    hot_.store_context(target, index_);
    restore(hot_);
    hot_.jump_context(target);
  }
  scratch_spilled_ = false;
  ended_ = true;
}

void Translator::translate_call(const DecodedInstruction& instruction) {
  push_return_address();
  release_scratch();
  translate_jump(instruction.target, request_.mode);
}

void Translator::translate_indirect(const DecodedInstruction& instruction, bool call) {
  int32_t rip = context_offset(layout_, &layout_.cpu.state.rip);
  int32_t kept_rax = context_offset(layout_, &layout_.spill[2]);
  if (instruction.memory.size != 0) {
    acquire_scratch(instruction.registers, true);
    FlagsPlace flags = save_flags(instruction.registers);
    check_access({Address::Form::kOperand}, instruction.memory.size, false, flags);
    record(flags == FlagsPlace::kRax);
    hot_.load(address_, address_);
    if (!call) {
      if (flags == FlagsPlace::kMemory)
        hot_.load_context(kRax, context_offset(layout_, &layout_.saved_flags));
      return jump_to_address_register(0);
    }
    hot_.store_context(rip, address_);
    restore_flags(flags);
    reload_rax(flags);
  } else if (call) {
    hot_.store_context(rip, instruction.operand_register);
  } else {
    acquire_scratch(instruction.registers, true);
    hot_.move(address_, instruction.operand_register);
    hot_.store_context(kept_rax, kRax);
    hot_.flags_to_rax();
    return jump_to_address_register(0);
  }
  push_return_address();
  hot_.store_context(kept_rax, kRax);
  hot_.flags_to_rax();
  hot_.load_context(address_, rip);
  jump_to_address_register(8);
}

void Translator::translate_return(const DecodedInstruction& instruction) {
  constexpr uint8_t kSlot = 8;
  acquire_scratch(1 << kRsp, true);
  FlagsPlace flags = save_flags(1 << kRsp);
  check_access({Address::Form::kRegister, kRsp, 0}, kSlot, false, flags);
  record(flags == FlagsPlace::kRax);
  hot_.load(address_, address_);
  auto popped = static_cast<int32_t>(kSlot + instruction.immediate);
  hot_.lea(kRsp, kRsp, popped);
  jump_to_address_register(-popped);
}

}  // namespace cumulet::hypervisor
