// The system instructions that are frequent enough to translate; every other one leaves to the interpreter.
#include "hypervisor/translate/quick_path.h"
#include "hypervisor/translate/translator.h"

namespace cumulet::hypervisor {

void Translator::leave_to_interpreter(Emitter& out) {
  store_rip(out, current_rip());
  out.jump(instructions_[current_].general ? leave_stubs().interpret_general : leave_stubs().interpret);
}

// In kernel code, whose mode does not say so: whether the guest's state allows x87 and vector instructions.
// If not, the interpreter raises #NM or #UD. What changes that state ends a block, so that instructions
// behind rely on the check of the first one.
void Translator::check_extended_state(const DecodedInstruction& instruction) {
  bool interpreted = instruction.kind == InstructionKind::kInterpret;
  if ((request_.mode & kModeUser) != 0 || interpreted || instruction.state <= checked_state_) return;
  checked_state_ = instruction.state;
  if (!region_) release_scratch();
  FlagsPlace flags = save_flags(instruction.registers);
  hot_.compare_context_byte(context_offset(layout_, &layout_.fpu_level),
                            static_cast<uint8_t>(instruction.state));
  hot_.jump_if(Condition::kBelow, cold_.here());
  give_back(cold_, flags);
  leave_to_interpreter(cold_);
  restore_flags(flags);
  reload_rax(flags);
}

// Sets or clears bits in a byte of state.rflags, which holds the flags that the host's do not.
void Translator::change_flags_byte(int32_t field, uint8_t mask, bool set) {
  if (scratch_spilled_ && flags_live() && (address_ == kRax || index_ == kRax)) release_scratch();
  FlagsPlace flags = save_flags(0);
  if (set) {
    hot_.or_context_byte(field, mask);
  } else {
    hot_.and_context_byte(field, static_cast<uint8_t>(~mask));
  }
  restore_flags(flags);
  reload_rax(flags);
}

// sti takes effect after the next instruction. That one is in this block, and nothing looks at interrupts
// within a block; so all that matters is whether somebody waits for IF, and then the interpreter does it.
bool Translator::translate_set_interrupts() {
  if (current_ + 1 == instructions_.size()) return false;
  release_scratch();
  FlagsPlace flags = save_flags(0);
  hot_.compare_context_byte(context_offset(layout_, &layout_.interrupt_wanted), 0);
  hot_.jump_if(Condition::kNotEqual, cold_.here());
  give_back(cold_, flags);
  leave_to_interpreter(cold_);
  hot_.or_context_byte(context_offset(layout_, &layout_.cpu.state.rflags) + 1, rflags::kIf >> 8);
  restore_flags(flags);
  reload_rax(flags);
  return true;
}

// rdtsc and rdtscp.
void Translator::translate_read_tsc(bool with_aux) {
  const uint8_t rdtsc[] = {0x0f, 0x31};
  int32_t kept_flags = context_offset(layout_, &layout_.saved_flags);
  int32_t kept_rax = context_offset(layout_, &layout_.temporary);
  if (flags_live()) {
    hot_.flags_to_rax();
    hot_.store_context(kept_flags, kRax);
  }
  hot_.raw(rdtsc);
  hot_.shift_left(kRdx, 32, true);
  hot_.or64(kRax, kRdx);
  hot_.add_context(kRax, context_offset(layout_, &layout_.cpu.state.tsc_offset));
  hot_.move(kRdx, kRax);
  hot_.shift_right(kRdx, 32, true);
  hot_.move32(kRax, kRax);
  if (with_aux) hot_.load_context32(kRcx, context_offset(layout_, &layout_.cpu.state.msr.tsc_aux));
  if (!flags_live()) return;
  hot_.store_context(kept_rax, kRax);
  hot_.load_context(kRax, kept_flags);
  hot_.flags_from_rax();
  hot_.load_context(kRax, kept_rax);
}

void Translator::translate_swap_gs() {
  int32_t base = context_offset(layout_, &layout_.cpu.state.segments[kGs].base);
  int32_t other = context_offset(layout_, &layout_.cpu.state.msr.kernel_gs_base);
  acquire_scratch(0, false);
  hot_.load_context(address_, base);
  hot_.load_context(index_, other);
  hot_.store_context(other, address_);
  hot_.store_context(base, index_);
}

void Translator::call_quick_handler(const DecodedInstruction& instruction) {
  QuickOperand operand{instruction.length, instruction.operand_register,
                       static_cast<uint8_t>(instruction.immediate), instruction.system};
  bool has_address = instruction.system == SystemOperation::kInvalidatePage ||
                     instruction.system == SystemOperation::kSaveExtended ||
                     instruction.system == SystemOperation::kRestoreExtended;
  if (has_address) {
    acquire_scratch(instruction.registers, true);
    compute_address(hot_, {Address::Form::kOperand});
    hot_.store_context(context_offset(layout_, &layout_.miss_linear), address_);
  }
  release_scratch();
  store_rip(hot_, current_rip());
  hot_.store_context_immediate32(context_offset(layout_, &layout_.operand),
                                 __builtin_bit_cast(uint32_t, operand));
  hot_.jump(leave_stubs().system[static_cast<size_t>(instruction.system)]);
  ended_ = true;
}

// False: not one of these, or not here.
bool Translator::translate_system(const DecodedInstruction& instruction) {
  int32_t rflags_field = context_offset(layout_, &layout_.cpu.state.rflags);
  constexpr uint8_t kAcInByte = rflags::kAc >> 16;
  switch (instruction.kind) {
    case InstructionKind::kClearInterrupts:
      change_flags_byte(rflags_field + 1, rflags::kIf >> 8, false);
      return true;
    case InstructionKind::kClearDirection:
      change_flags_byte(rflags_field + 1, rflags::kDf >> 8, false);
      return true;
    case InstructionKind::kSetInterrupts: return translate_set_interrupts();
    case InstructionKind::kReadTsc: translate_read_tsc(false); return true;
    case InstructionKind::kReadTscAux: translate_read_tsc(true); return true;
    case InstructionKind::kSwapGs: translate_swap_gs(); return true;
    case InstructionKind::kSerialize: {
      // Stores before it are seen, and what follows is fetched anew: in another block.
      const uint8_t mfence[] = {0x0f, 0xae, 0xf0};
      release_scratch();
      hot_.raw(mfence);
      translate_jump(next_rip(), request_.mode);
      return true;
    }
    case InstructionKind::kSystem: call_quick_handler(instruction); return true;
    case InstructionKind::kReadSegment: {
      const Segment& segment = layout_.cpu.state.segments[static_cast<size_t>(instruction.immediate)];
      int32_t selector = context_offset(layout_, &segment.selector);
      bool partly = instruction.operand_size == 2;
      if (partly) hot_.load_context_low16(instruction.operand_register, selector);
      if (!partly) hot_.load_context16(instruction.operand_register, selector);
      return true;
    }
    case InstructionKind::kSetAccess:
    case InstructionKind::kClearAccess: {
      bool set = instruction.kind == InstructionKind::kSetAccess;
      release_scratch();
      change_flags_byte(rflags_field + 2, kAcInByte, set);
      auto mode = static_cast<CodeMode>(request_.mode & ~kModeAccessUser);
      translate_jump(next_rip(), set ? mode | kModeAccessUser : mode);
      return true;
    }
    default: return false;
  }
}

}  // namespace cumulet::hypervisor
