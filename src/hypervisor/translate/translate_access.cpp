// Guest memory accesses: scratch registers, the flags around a check, the check itself, and its cold path.
#include "base/check.h"
#include "hypervisor/translate/translator.h"

namespace cumulet::hypervisor {

namespace {
// with_memory_base() takes no register from r8 on and not rsp; rbp costs a byte.
constexpr uint8_t kAddressCandidates[] = {kRdi, kRsi, kRdx, kRcx, kRbx, kRax, kRbp};
constexpr uint8_t kIndexCandidates[] = {kR15, kR14, kR13, kR12, kR11, kR10, kR9, kR8,
                                        kRbp, kRbx, kRdi, kRsi, kRdx, kRcx, kRax};
constexpr uint32_t kLookAhead = 24;
}  // namespace

// How good a scratch register `reg` would be: for how many instructions from the next one on it stays
// spilled. Best is one that is overwritten then, for nobody waits for the value that is reloaded.
uint32_t Translator::time_to_use(uint8_t reg) const {
  auto bit = static_cast<uint16_t>(1 << reg);
  size_t last = instructions_.size() - 1;
  bool loops = !region_ && instructions_[last].kind == InstructionKind::kJumpConditional &&
               instructions_[last].target == request_.rip;
  size_t i = current_;
  for (uint32_t distance = 0; distance < kLookAhead; ++distance) {
    if (i == last && !loops) return distance;
    i = i == last ? 0 : i + 1;
    const DecodedInstruction& instruction = instructions_[i];
    if ((instruction.registers & bit) == 0) continue;
    bool overwritten = (instruction.registers_written & ~instruction.registers_read & bit) != 0;
    return overwritten ? kLookAhead + distance : distance;
  }
  return kLookAhead;
}

// Makes sure that two scratch registers outside `in_use` are spilled, to be used freely. `keep_rax`: rax is
// needed for the flags.
void Translator::acquire_scratch(uint16_t in_use, bool keep_rax) {
  take_scratch(in_use, keep_rax);
  delta_slot_ = kNoSlot;
}

// The same, but index_ may hold the delta of a slot (delta_slot_).
void Translator::take_scratch(uint16_t in_use, bool keep_rax) {
  uint32_t taken = in_use | 1 << kRsp | (keep_rax ? 1 << kRax : 0);
  if (scratch_spilled_) {
    if ((taken & (1 << address_ | 1 << index_)) == 0) return;
    release_scratch();
  }
  int best = -1;
  for (uint8_t reg : kAddressCandidates) {
    if ((taken & (1 << reg)) != 0) continue;
    int distance = static_cast<int>(time_to_use(reg));
    if (distance > best) best = distance, address_ = reg;
  }
  CHECK(best >= 0);
  taken |= 1 << address_;
  best = -1;
  for (uint8_t reg : kIndexCandidates) {
    if ((taken & (1 << reg)) != 0) continue;
    int distance = static_cast<int>(time_to_use(reg));
    if (distance > best) best = distance, index_ = reg;
  }
  CHECK(best >= 0);
  hot_.store_context(context_offset(layout_, &layout_.spill[0]), address_);
  hot_.store_context(context_offset(layout_, &layout_.spill[1]), index_);
  scratch_spilled_ = true;
  delta_slot_ = kNoSlot;
}

void Translator::release_scratch() {
  if (!scratch_spilled_) return;
  hot_.load_context(address_, context_offset(layout_, &layout_.spill[0]));
  hot_.load_context(index_, context_offset(layout_, &layout_.spill[1]));
  scratch_spilled_ = false;
  delta_slot_ = kNoSlot;
}

// Keeps live flags in rax, or in memory if the instruction needs rax. Precondition: rax is not a scratch
// register.
FlagsPlace Translator::save_flags(uint16_t in_use) {
  if (!flags_live()) return FlagsPlace::kDead;
  hot_.store_context(context_offset(layout_, &layout_.spill[2]), kRax);
  hot_.flags_to_rax();
  if ((in_use & (1 << kRax)) == 0) return FlagsPlace::kRax;
  hot_.store_context(context_offset(layout_, &layout_.saved_flags), kRax);
  hot_.load_context(kRax, context_offset(layout_, &layout_.spill[2]));
  return FlagsPlace::kMemory;
}

// Flags back. Under kRax, rax keeps its scratch value until reload_rax().
void Translator::restore_flags(FlagsPlace place) {
  if (place == FlagsPlace::kDead) return;
  if (place == FlagsPlace::kMemory) hot_.load_context(kRax, context_offset(layout_, &layout_.saved_flags));
  hot_.flags_from_rax();
  if (place == FlagsPlace::kMemory) hot_.load_context(kRax, context_offset(layout_, &layout_.spill[2]));
}

void Translator::reload_rax(FlagsPlace place) {
  if (place == FlagsPlace::kRax) hot_.load_context(kRax, context_offset(layout_, &layout_.spill[2]));
}

// The guest's flags, rax and scratch registers, on a way out of the block.
void Translator::give_back(Emitter& out, FlagsPlace place) const {
  if (place == FlagsPlace::kMemory) out.load_context(kRax, context_offset(layout_, &layout_.saved_flags));
  if (place != FlagsPlace::kDead) {
    out.flags_from_rax();
    out.load_context(kRax, context_offset(layout_, &layout_.spill[2]));
  }
  reload_scratch(out);
}

// address_ = the linear address. May change flags and index_.
void Translator::compute_address(Emitter& out, const Address& address) {
  if (address.form == Address::Form::kExpression) return out.lea(address_, address.expression);
  const DecodedInstruction& instruction = instructions_[current_];
  if (instruction.memory.rip_relative) {
    load_linear(out, address_, instruction.target);
  } else {
    out.raw(load_operand_address(instruction, address_).view());
  }
  if (instruction.memory.segment == MemoryOperand::Base::kFs)
    out.add_context(address_, context_offset(layout_, &layout_.cpu.state.segments[kFs].base));
  if (instruction.memory.segment == MemoryOperand::Base::kGs)
    out.add_context(address_, context_offset(layout_, &layout_.cpu.state.segments[kGs].base));
  if (address.form != Address::Form::kBitString) return;
  // The operand's address moves by whole operands, downwards too (SDM volume 2, BT).
  bool wide = instruction.operand_size == 8;
  if (wide) {
    out.move(index_, instruction.operand_register);
  } else {
    out.sign_extend32(index_, instruction.operand_register);
  }
  out.shift_right_arithmetic(index_, wide ? 6 : 5);
  out.lea_sum(address_, address_, index_, wide ? 3 : 2);
}

// If the linear address of an access is just what is in a register, that register.
std::optional<uint8_t> Translator::plain_base(const Address& address) const {
  MemoryExpression expression = address.expression;
  if (address.form == Address::Form::kOperand) {
    const MemoryOperand& memory = instructions_[current_].memory;
    bool computed = memory.rip_relative || memory.address32 || memory.segment != MemoryOperand::Base::kZero;
    if (computed) return std::nullopt;
    expression = memory_expression(instructions_[current_]);
  } else if (address.form != Address::Form::kExpression) {
    return std::nullopt;
  }
  bool plain = expression.index == MemoryExpression::kNone && expression.displacement == 0;
  return plain && expression.base != MemoryExpression::kNone ? std::optional(expression.base) : std::nullopt;
}

// index_ = where the line of the linear address in `reg` is, from the first one on. Changes flags.
void Translator::load_line_index(uint8_t reg) {
  constexpr uint8_t kToIndex = 12 - kTlbEntryShift;
  if (options_.bmi2) {
    hot_.rotate_right(index_, reg, kToIndex);
  } else {
    hot_.move32(index_, reg);
    hot_.shift_right(index_, kToIndex, false);
  }
  hot_.and32(index_, (kTlbEntries - 1) << kTlbEntryShift);
}

// Leaves the host address of the operand in address_.
void Translator::check_access(const Address& address, uint8_t size, bool write, FlagsPlace flags,
                              bool several, uint8_t more_kinds) {
  const auto& line = layout_.tlb[tlb_of(request_.mode)][0];
  if (std::optional<uint8_t> base = plain_base(address)) {
    hot_.move(address_, *base);
    load_line_index(*base);
  } else {
    compute_address(hot_, address);
    load_line_index(address_);
  }
  const void* tag = write ? static_cast<const void*>(&line.write_tag) : &line.read_tag;
  hot_.subtract_indexed(address_, index_, context_offset(layout_, tag));
  hot_.compare(address_, static_cast<int32_t>(kPageSize - size));
  hot_.jump_if(Condition::kAbove, cold_.here());
  hot_.add_indexed(address_, index_, context_offset(layout_, &line.host));
  emit_access_miss(size, write, instructions_[current_].general, flags, 0, several, more_kinds);
}

// The cold code of a check, which goes on at the end of the hot code. The stub finds the linear address: it
// is address_ plus the tag that was subtracted.
void Translator::emit_access_miss(uint8_t size, bool write, bool general, FlagsPlace flags,
                                  uint8_t element_size, bool several, uint8_t more_kinds) {
  constexpr uint64_t kStoreSize = 12, kJumpSize = 5;
  uint64_t site = cold_.here() + kStoreSize + kJumpSize;
  cold_.store_context_immediate32(context_offset(layout_, &layout_.miss_site), static_cast<uint32_t>(site));
  cold_.jump(stubs_.access_miss);
  CHECK(cold_.here() == site);
  uint64_t rip = from_base(current_rip());
  uint32_t tlb = (element_size != 0 && !write ? kStringSourceTable : 0) + tlb_of(request_.mode);
  auto kinds = static_cast<uint8_t>(
      static_cast<uint8_t>(flags) | (write ? AccessSite::kWrite : 0) | (general ? AccessSite::kGeneral : 0) |
      (several ? AccessSite::kSeveral : 0) | (relative() ? AccessSite::kRelative : 0) | more_kinds);
  cold_.value(AccessSite{
      relative() ? request_.page_number : static_cast<uint32_t>(rip),
      static_cast<uint32_t>(relative() ? rip : rip >> 32), static_cast<int32_t>(hot_.here() - site), size,
      static_cast<uint8_t>(address_ | index_ << 4), kinds, static_cast<uint8_t>(element_size | tlb << 4)});
}

void Translator::translate_memory(const DecodedInstruction& instruction) {
  if (direct()) return translate_memory_direct(instruction);
  if (translate_access_run()) return;
  acquire_scratch(instruction.registers, flags_live());
  FlagsPlace flags = save_flags(instruction.registers);
  // Under a mask, a page that is not there may not matter, and a page may stay clean: the interpreter finds
  // out.
  bool masked = instruction.memory.masked;
  uint8_t gaps = masked && instruction.memory.write ? AccessSite::kGaps : uint8_t{0};
  check_access({Address::Form::kOperand}, instruction.memory.size, instruction.memory.write, flags, masked,
               gaps);
  restore_flags(flags);
  record(flags == FlagsPlace::kRax);
  hot_.raw(with_memory_base(instruction, address_).view());
  reload_rax(flags);
}

void Translator::translate_bit_string(const DecodedInstruction& instruction) {
  acquire_scratch(instruction.registers, flags_live());
  FlagsPlace flags = save_flags(instruction.registers);
  check_access({Address::Form::kBitString}, instruction.memory.size, instruction.memory.write, flags);
  // The instruction will add the same number of operands again.
  bool wide = instruction.operand_size == 8;
  if (wide) {
    hot_.move(index_, instruction.operand_register);
  } else {
    hot_.sign_extend32(index_, instruction.operand_register);
  }
  hot_.shift_right_arithmetic(index_, wide ? 6 : 5);
  hot_.shift_left(index_, wide ? 3 : 2, true);
  hot_.subtract(address_, index_);
  restore_flags(flags);
  record(flags == FlagsPlace::kRax);
  hot_.raw(with_memory_base(instruction, address_).view());
  reload_rax(flags);
}

}  // namespace cumulet::hypervisor
