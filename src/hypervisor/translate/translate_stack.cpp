// push, pop, leave and pushf: stores and loads through rsp, which is the guest's.
#include "hypervisor/translate/translator.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint8_t kSlot = 8;
// pushf stores RF and VM as 0 (SDM volume 2, PUSHF).
constexpr uint32_t kPushedSystemFlags = 0x3fffff & ~(rflags::kArithmetic | rflags::kRf | rflags::kVm);
}  // namespace

void Translator::translate_push(const DecodedInstruction& instruction) {
  if (direct()) return translate_push_direct(instruction);
  acquire_scratch(instruction.registers, flags_live());
  FlagsPlace flags = save_flags(instruction.registers);
  check_access(Address::at(kRsp, -kSlot), kSlot, true, flags);
  restore_flags(flags);
  reload_rax(flags);
  record(false);
  if (instruction.kind == InstructionKind::kPushImmediate) {
    hot_.store_immediate(address_, static_cast<int32_t>(instruction.immediate));
  } else {
    hot_.store(address_, instruction.operand_register);
  }
  hot_.lea(kRsp, kRsp, -kSlot);
}

void Translator::translate_push_memory(const DecodedInstruction& instruction) {
  acquire_scratch(instruction.registers, flags_live());
  FlagsPlace flags = save_flags(instruction.registers);
  check_access({Address::Form::kOperand}, kSlot, false, flags);
  record(flags == FlagsPlace::kRax);
  hot_.load(address_, address_);
  hot_.store_context(context_offset(layout_, &layout_.temporary), address_);
  check_access(Address::at(kRsp, -kSlot), kSlot, true, flags);
  hot_.load_context(index_, context_offset(layout_, &layout_.temporary));
  record(flags == FlagsPlace::kRax);
  hot_.store(address_, index_);
  restore_flags(flags);
  reload_rax(flags);
  hot_.lea(kRsp, kRsp, -kSlot);
}

void Translator::translate_pop(const DecodedInstruction& instruction) {
  if (direct()) return translate_pop_direct(instruction);
  acquire_scratch(instruction.registers, flags_live());
  FlagsPlace flags = save_flags(instruction.registers);
  check_access(Address::at(kRsp, 0), kSlot, false, flags);
  restore_flags(flags);
  reload_rax(flags);
  record(false);
  hot_.load(instruction.operand_register, address_);
  if (instruction.operand_register != kRsp) hot_.lea(kRsp, kRsp, kSlot);
}

void Translator::translate_leave() {
  uint16_t in_use = 1 << kRsp | 1 << kRbp;
  acquire_scratch(in_use, flags_live());
  FlagsPlace flags = save_flags(in_use);
  check_access(Address::at(kRbp, 0), kSlot, false, flags);
  restore_flags(flags);
  reload_rax(flags);
  record(false);
  hot_.load(index_, address_);
  hot_.lea(kRsp, kRbp, kSlot);
  hot_.move(kRbp, index_);
}

// The arithmetic flags come from the host, in lahf's form: SF ZF AF PF CF at their places in ah, OF in al.
void Translator::translate_push_flags() {
  constexpr uint32_t kLahfFlags = (rflags::kArithmetic & 0xff) << 8;
  constexpr uint8_t kOverflowShift = 11;
  int32_t saved = context_offset(layout_, &layout_.saved_flags);
  acquire_scratch(1 << kRsp, true);
  FlagsPlace flags = save_flags(1 << kRsp);  // always live: pushf reads them
  check_access(Address::at(kRsp, -kSlot), kSlot, true, flags);
  hot_.store_context(saved, kRax);
  hot_.load_context(index_, context_offset(layout_, &layout_.cpu.state.rflags));
  hot_.and32(index_, kPushedSystemFlags);
  hot_.and32(kRax, kLahfFlags);
  hot_.shift_right(kRax, 8, false);
  hot_.or64(index_, kRax);
  hot_.load_context(kRax, saved);
  hot_.and32(kRax, 1);
  hot_.shift_left(kRax, kOverflowShift, false);
  hot_.or64(index_, kRax);
  record(flags == FlagsPlace::kRax);
  hot_.store(address_, index_);
  hot_.load_context(kRax, saved);
  restore_flags(flags);
  reload_rax(flags);
  hot_.lea(kRsp, kRsp, -kSlot);
}

// Leaves flags in place; uses the scratch registers.
void Translator::push_return_address() {
  if (direct()) return push_return_address_direct();
  acquire_scratch(1 << kRsp, true);
  FlagsPlace flags = save_flags(1 << kRsp);
  check_access(Address::at(kRsp, -kSlot), kSlot, true, flags);
  restore_flags(flags);
  reload_rax(flags);
  record(false);
  uint64_t address = next_rip();
  if (!relative() && static_cast<uint64_t>(static_cast<int32_t>(address)) == address) {
    hot_.store_immediate(address_, static_cast<int32_t>(address));
  } else {
    load_linear(hot_, index_, address);
    record(false);
    hot_.store(address_, index_);
  }
  hot_.lea(kRsp, kRsp, -kSlot);
}

}  // namespace cumulet::hypervisor
