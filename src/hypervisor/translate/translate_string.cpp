// rep movs and rep stos: the host's own, on the host's addresses, one run of elements within a page at a
// time.
#include <bit>

#include "hypervisor/translate/translator.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint8_t kRep = 0xf3, kOperandSize = 0x66, kRexW = 0x48;
constexpr uint8_t kMovs = 0xa4, kStos = 0xaa;  // of bytes; the next opcode is that of larger elements
// More bytes than these go to run_string() at once, if they are not all in a page: it takes as long as three
// pages here.
constexpr int32_t kLongRun = 16 << 10;

struct StringEncoding {
  uint8_t bytes[4];
  uint8_t size = 0;
};

StringEncoding encode(bool moves, uint8_t element_size) {
  StringEncoding code{};
  code.bytes[code.size++] = kRep;
  if (element_size == 2) code.bytes[code.size++] = kOperandSize;
  if (element_size == 8) code.bytes[code.size++] = kRexW;
  code.bytes[code.size++] = static_cast<uint8_t>((moves ? kMovs : kStos) + (element_size > 1 ? 1 : 0));
  return code;
}
}  // namespace

void Translator::emit_repeat(bool moves, uint8_t element_size) {
  StringEncoding code = encode(moves, element_size);
  hot_.raw(ByteView(code.bytes).first(code.size));
}

// address_ = the host address of guest address `pointer`. A miss goes the way of every access, for the whole
// run.
void Translator::locate_run(uint8_t pointer, bool write, uint8_t element_size, FlagsPlace flags) {
  uint32_t table = tlb_of(request_.mode) + (write ? 0 : kStringSourceTable);
  const TlbEntry& line = layout_.tlb[table][0];
  hot_.move(address_, pointer);
  hot_.move32(index_, pointer);
  hot_.shift_right(index_, 12 - kTlbEntryShift, false);
  hot_.and32(index_, (tlb_entries_of(table) - 1) << kTlbEntryShift);
  const void* tag = write ? static_cast<const void*>(&line.write_tag) : &line.read_tag;
  hot_.subtract_indexed(address_, index_, context_offset(layout_, tag));
  hot_.compare(address_, static_cast<int32_t>(kPageSize - 1));
  hot_.jump_if(Condition::kAbove, cold_.here());
  hot_.add_indexed(address_, index_, context_offset(layout_, &line.host));
  emit_access_miss(1, write, true, flags, element_size, false);
}

// Cold code that leaves the instruction, of which nothing or whole runs were done, to the interpreter.
void Translator::give_up_repeat(FlagsPlace flags) {
  give_back(cold_, flags);
  leave_to_interpreter(cold_);
}

//   again: poll; nothing left? done
//          many beyond the page? run_string(), string_rest = what is left
//          rcx = elements up to the end of the page (of either page); string_rest = the others
//          rdi, rsi += host address - guest address; rep; and back
//          rcx = string_rest; if (rcx != 0) goto again
//
// Registers are exact at each poll, so interrupts and stops wait for one page, or what run_string() does.
// That is what DF means too. An element across a page boundary is the interpreter's.
void Translator::translate_repeat(const DecodedInstruction& instruction) {
  if (repeats_directly()) return translate_repeat_direct(instruction);
  bool moves = instruction.kind == InstructionKind::kRepeatMove;
  uint8_t size = instruction.operand_size;
  int32_t rest = context_offset(layout_, &layout_.string_rest);
  int32_t source_delta = context_offset(layout_, &layout_.temporary);
  acquire_scratch(instruction.registers, flags_live());
  uint64_t again = hot_.here();
  record(false);
  hot_.store_context32(context_offset(layout_, &layout_.poll_page), kRax);
  uint64_t nothing = hot_.jump_if_rcx_zero();
  FlagsPlace flags = save_flags(instruction.registers);
  hot_.test_context_byte(context_offset(layout_, &layout_.cpu.state.rflags) + 1, rflags::kDf >> 8);
  hot_.jump_if(Condition::kNotEqual, 0);
  uint64_t downwards = hot_.here() - 4;
  uint64_t give_up = cold_.here();
  give_up_repeat(flags);
  hot_.bytes_to_page_end(address_, kRdi);
  if (moves) {
    hot_.bytes_to_page_end(index_, kRsi);
    hot_.minimum(address_, index_);
  }
  if (size > 1) hot_.shift_right(address_, static_cast<uint8_t>(std::countr_zero(size)), true);
  hot_.compare_registers(kRcx, address_);
  hot_.jump_if(Condition::kAbove, cold_.here());
  cold_.compare(kRcx, kLongRun / size);
  cold_.jump_if(Condition::kAbove, cold_.here());
  uint64_t long_run = cold_.here() - 4;
  cold_.compare(address_, 0);
  cold_.jump_if(Condition::kEqual, give_up);
  cold_.subtract(kRcx, address_);
  cold_.store_context(rest, kRcx);
  cold_.move(kRcx, address_);
  cold_.jump(hot_.here());

  if (moves) {
    locate_run(kRsi, false, size, flags);
    hot_.subtract(address_, kRsi);
    hot_.store_context(source_delta, address_);
  }
  locate_run(kRdi, true, size, flags);
  hot_.subtract(address_, kRdi);
  if (moves) {
    hot_.load_context(index_, source_delta);
    hot_.add(kRsi, index_);
  }
  hot_.add(kRdi, address_);
  emit_repeat(moves, size);
  if (moves) hot_.subtract(kRsi, index_);
  hot_.subtract(kRdi, address_);
  cold_.set_target(long_run, cold_.here());
  hot_.set_target(downwards, cold_.here());
  cold_.xor32(index_, index_);  // the stub follows it to a line of the TLB
  emit_access_miss(1, true, true, flags, size, false, AccessSite::kLong | (moves ? AccessSite::kMoves : 0));
  restore_flags(flags);
  reload_rax(flags);
  hot_.load_context(kRcx, rest);
  hot_.jump_if_rcx_not_zero(cold_.here());
  cold_.store_context_immediate64(rest, 0);
  cold_.jump(again);
  hot_.set_target(nothing, hot_.here());
}

}  // namespace cumulet::hypervisor
