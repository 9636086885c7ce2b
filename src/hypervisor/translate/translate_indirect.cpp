// Indirect jumps, calls and returns, and the entries of blocks that they go to: all of it leaves flags alone.
#include "base/check.h"
#include "hypervisor/translate/translator.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint8_t kSlot = 8;

bool fits_signed32(uint64_t value) { return static_cast<uint64_t>(static_cast<int32_t>(value)) == value; }

}  // namespace

// r11 = rcx minus the block's rip.
void Translator::subtract_rip_from_rcx(Emitter& out) {
  uint64_t minus_rip = -from_base(request_.rip);
  if (relative()) {
    bool direct = (request_.mode & kModeDirect) != 0;
    const PageBase& entry = layout_.page_bases[request_.page_number];
    out.load_context(kR11, context_offset(layout_, &entry.minus_base[direct]));
  } else if (!fits_signed32(minus_rip)) {
    out.move_immediate(kR11, minus_rip);
  } else {
    return out.lea(kR11, kRcx, static_cast<int32_t>(minus_rip));
  }
  out.lea_sum(kR11, kRcx, kR11, 0);
  if (relative()) out.lea(kR11, kR11, static_cast<int32_t>(minus_rip));
}

// A jump knows the low bits of its target only, so the entry verifies the rest: rcx must be this block's rip.
// The guest's rcx and r11 are in spill[0] and spill[1]. The only conditional jump that leaves flags alone is
// jrcxz.
void Translator::emit_indirect_entry(Emitter& out) {
  constexpr uint8_t kJrcxzSize = 2;
  subtract_rip_from_rcx(out);
  out.exchange(kRcx, kR11);
  aside_.start(out.here() + kJrcxzSize);
  aside_.move(kRcx, kR11);
  aside_.jump(stubs_.indirect_miss);
  out.jump_if_rcx_zero(static_cast<uint8_t>(aside_.bytes().size()));
  out.raw(aside_.bytes());
  out.load_context(kRcx, context_offset(layout_, &layout_.spill[0]));
  out.load_context(kR11, context_offset(layout_, &layout_.spill[1]));
}

void Translator::emit_entries() {
  result_.indirect = 0;
  if (request_.indirect) {
    result_.indirect = hot_.here();
    emit_indirect_entry(hot_);
    hot_.align(8);
  }
  result_.entry_offset = static_cast<uint32_t>(hot_.bytes().size());
  // The poll (Gate): faults while the page is protected. 8 aligned bytes, so that CodeSpace can replace it in
  // one store.
  hot_.store_context32(context_offset(layout_, &layout_.poll_page), kRax);
  CHECK(hot_.here() % 8 == 0 && hot_.bytes().size() == result_.entry_offset + 8);
}

ByteView Translator::indirect_entry(const TranslationRequest& request, uint64_t entry) {
  request_ = request;
  cold_.start(request.cold_address);
  emit_indirect_entry(cold_);
  cold_.jump(entry);
  return cold_.bytes();
}

void Translator::emit_redirect(Emitter& out, uint32_t block) const {
  out.store_context_immediate32(context_offset(layout_, &layout_.link), block);
  out.jump(stubs_.dropped);
}

// The scratch registers as jump_to_rcx() wants them: rcx and r11.
void Translator::acquire_jump_scratch() {
  if (scratch_spilled_ && address_ == kRcx && index_ == kR11) return;
  release_scratch();
  address_ = kRcx;
  index_ = kR11;
  delta_slot_ = kNoSlot;
  hot_.store_context(context_offset(layout_, &layout_.spill[0]), address_);
  hot_.store_context(context_offset(layout_, &layout_.spill[1]), index_);
  scratch_spilled_ = true;
}

// Ends the block with a jump to the linear address in rcx, in code of `mode`. Flags are in place.
// Precondition: acquire_jump_scratch(). If the address is not canonical, the instruction faults itself: then
// `undo` is added to rsp, and the interpreter does it again.
void Translator::jump_to_rcx(CodeMode mode, int32_t undo) {
  CHECK(scratch_spilled_ && address_ == kRcx && index_ == kR11);
  cold_.align(alignof(JumpSite));
  hot_.store_context_immediate32(context_offset(layout_, &layout_.jump_site),
                                 static_cast<uint32_t>(cold_.here()));
  cold_.value(JumpSite{from_base(current_rip()), undo, request_.page_number});
  if (options_.single_instruction) {
    hot_.jump(stubs_.indirect_miss);
  } else {
    hot_.zero_extend16(kR11, kRcx);
    hot_.jump_indexed(kR11, context_offset(layout_, jump_table(layout_, mode).data()));
  }
  scratch_spilled_ = false;
  ended_ = true;
}

// rcx = the target that an instruction names; it may be anything but a scratch register's spilled value.
void Translator::load_jump_target(const DecodedInstruction& instruction, bool call) {
  if (instruction.memory.size != 0) {
    hot_.load_context(kRcx, context_offset(layout_, &layout_.temporary));
  } else if (instruction.operand_register == kRsp) {
    hot_.lea(kRcx, kRsp, call ? kSlot : 0);
  } else if (instruction.operand_register == kRcx || instruction.operand_register == kR11) {
    uint64_t spilled = instruction.operand_register == kRcx ? 0 : 1;
    hot_.load_context(kRcx, context_offset(layout_, &layout_.spill[spilled]));
  } else {
    hot_.move(kRcx, instruction.operand_register);
  }
}

void Translator::translate_indirect(const DecodedInstruction& instruction, bool call) {
  if (instruction.memory.size != 0) {
    constexpr uint16_t kJumpScratch = 1 << kRcx | 1 << kR11;
    bool apart = (instruction.registers & kJumpScratch) == 0;
    if (apart) acquire_jump_scratch();
    if (direct()) return translate_indirect_direct(call, apart);
    acquire_scratch(instruction.registers, flags_live());
    FlagsPlace flags = save_flags(instruction.registers);
    check_access({Address::Form::kOperand}, instruction.memory.size, false, flags);
    record(flags == FlagsPlace::kRax);
    hot_.load(address_, address_);
    if (call || !apart) hot_.store_context(context_offset(layout_, &layout_.temporary), address_);
    restore_flags(flags);
    reload_rax(flags);
    if (!call && apart) return jump_to_rcx(request_.mode, 0);
  }
  jump_indirectly(instruction, call);
}

// Ends translate_indirect(): a target from memory is in `temporary`.
void Translator::jump_indirectly(const DecodedInstruction& instruction, bool call) {
  acquire_jump_scratch();
  if (call) push_return_address();
  load_jump_target(instruction, call);
  jump_to_rcx(request_.mode, call ? kSlot : 0);
}

void Translator::translate_return(const DecodedInstruction& instruction) {
  acquire_jump_scratch();
  if (direct()) {
    MemoryExpression operand = direct_operand(1 << kRsp, 0);
    record(false);
    hot_.load(address_, operand);
    auto size = static_cast<int32_t>(kSlot + instruction.immediate);
    hot_.lea(kRsp, kRsp, size);
    return jump_to_rcx(request_.mode, -size);
  }
  FlagsPlace flags = save_flags(1 << kRsp);
  check_access(Address::at(kRsp, 0), kSlot, false, flags);
  record(flags == FlagsPlace::kRax);
  hot_.load(address_, address_);
  restore_flags(flags);
  reload_rax(flags);
  auto popped = static_cast<int32_t>(kSlot + instruction.immediate);
  hot_.lea(kRsp, kRsp, popped);
  jump_to_rcx(request_.mode, -popped);
}

}  // namespace cumulet::hypervisor
