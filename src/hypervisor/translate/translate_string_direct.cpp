// rep movs and rep stos with direct memory: the whole instruction at once, in the window.
#include "hypervisor/translate/translator.h"

namespace cumulet::hypervisor {

namespace {
// Interrupts wait for so much; and the guards of the window have room for it.
constexpr int32_t kMostBytes = 256 << 10;
}  // namespace

bool Translator::repeats_directly() const {
  return (request_.mode & kModeDirect) != 0 &&
         !request_.direct->hints->at(request_.physical + (current_rip() - request_.rip)).checked;
}

// The slot that is compared first: any one does.
uint8_t Translator::likely_slot(uint8_t pointer) {
  uint16_t unchanged = 0xffff;
  for (size_t i = 0; i < current_; ++i)
    unchanged &= static_cast<uint16_t>(~instructions_[i].registers_written);
  DirectSubject subject{DirectSubject::Form::kRegister, {pointer}, 0};
  return guess_slot(subject, {}, unchanged).value_or(recent_slot_);
}

// delta = what is to be added to `pointer`. The same instruction copies between all kinds of memory (think of
// memcpy), so all slots are tried.
void Translator::find_delta(uint8_t delta, uint8_t pointer, FlagsPlace flags) {
  auto field = [&](const auto& member) { return context_offset(layout_, &member); };
  uint8_t likely = likely_slot(pointer);
  hot_.rotate_right(delta, pointer, 32);
  hot_.compare_context32(delta, field(layout_.direct_slots[likely].upper));
  hot_.jump_if(Condition::kNotEqual, cold_.here());
  hot_.load_context(delta, field(layout_.direct_slots[likely].delta));
  for (uint8_t slot = 0; slot < kDirectSlots; ++slot) {
    if (slot == likely) continue;
    cold_.compare_context32(delta, field(layout_.direct_slots[slot].upper));
    cold_.jump_if(Condition::kNotEqual, 0);
    uint64_t next = cold_.here() - 4;
    cold_.load_context(delta, field(layout_.direct_slots[slot].delta));
    cold_.jump(hot_.here());
    cold_.set_target(next, cold_.here());
  }
  cold_.store_context32(field(layout_.miss_upper), delta);
  leave_for_region(flags, current_, 0);
}

//   again: poll; nothing left? done
//          rcx = elements up to a bound; string_rest = the others
//          rdi, rsi += delta of the window; rep; and back
//          rcx = string_rest; if (rcx != 0) goto again
//
// A fault of the host's in the middle leaves rcx, rsi and rdi where it stopped, as hardware does.
void Translator::translate_repeat_direct(const DecodedInstruction& instruction) {
  bool moves = instruction.kind == InstructionKind::kRepeatMove;
  int32_t most = kMostBytes / instruction.operand_size;
  int32_t rest = context_offset(layout_, &layout_.string_rest);
  acquire_scratch(instruction.registers, flags_live());
  uint64_t again = hot_.here();
  record(false);
  hot_.store_context32(context_offset(layout_, &layout_.poll_page), kRax);
  uint64_t nothing = hot_.jump_if_rcx_zero();
  FlagsPlace flags = save_flags(instruction.registers);
  hot_.test_context_byte(context_offset(layout_, &layout_.cpu.state.rflags) + 1, rflags::kDf >> 8);
  hot_.jump_if(Condition::kNotEqual, cold_.here());
  give_up_repeat(flags);
  find_delta(address_, kRdi, flags);
  if (moves) find_delta(index_, kRsi, flags);
  hot_.compare(kRcx, most);
  hot_.jump_if(Condition::kAbove, cold_.here());
  cold_.lea(kRcx, kRcx, -most);
  cold_.store_context(rest, kRcx);
  cold_.move_immediate(kRcx, static_cast<uint64_t>(most));
  cold_.jump(hot_.here());
  hot_.lea_sum(kRdi, kRdi, address_, 0);
  if (moves) hot_.lea_sum(kRsi, kRsi, index_, 0);
  restore_flags(flags);
  record(flags == FlagsPlace::kRax);
  result_.records.back().rebased = moves ? InstructionRecord::kBoth : InstructionRecord::kDestination;
  emit_repeat(moves, instruction.operand_size);
  hot_.complement(address_);  // minus the delta, minus 1: flags stay
  hot_.lea(kRdi, {kRdi, address_, 0, 1});
  if (moves) {
    hot_.complement(index_);
    hot_.lea(kRsi, {kRsi, index_, 0, 1});
  }
  reload_rax(flags);
  hot_.load_context(kRcx, rest);
  hot_.jump_if_rcx_not_zero(cold_.here());
  cold_.store_context_immediate64(rest, 0);
  cold_.jump(again);
  hot_.set_target(nothing, hot_.here());
}

}  // namespace cumulet::hypervisor
