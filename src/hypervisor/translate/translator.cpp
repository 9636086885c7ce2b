// The frame of a block: decoding, flag liveness, and which kind of instruction goes where.
#include "hypervisor/translate/translator.h"

#include "base/check.h"

namespace cumulet::hypervisor {

Translator::Translator(const Context& layout, const Stubs& stubs, Options options)
    : layout_(layout), stubs_(stubs), options_(options) {}

const TranslationResult& Translator::translate(const TranslationRequest& request) {
  request_ = request;
  result_.size = 0;
  result_.records.clear();
  result_.links.clear();
  result_.polls.clear();
  result_.holes.clear();
  decode();
  if (instructions_.empty()) return result_;
  find_live_flags();
  plan_direct();

  hot_.start(request.hot_address);
  cold_.start(request.cold_address);
  scratch_spilled_ = ended_ = false;
  checked_state_ = ExtendedState::kNone;
  emit_entries();

  if (region_) begin_region();
  for (current_ = 0; current_ < instructions_.size(); ++current_) {
    if (region_ && flow_[current_].leader) bind_leader();
    ended_ = false;
    translate_instruction(instructions_[current_]);
    if (ended_ || flow_[current_].falls) continue;
    release_scratch();
    translate_jump(next_rip(), request.mode);
  }
  if (region_) finish_region();
  result_.size = static_cast<uint16_t>((rips_.back() + instructions_.back().length) - request.rip);
  return result_;
}

void Translator::record(bool rax_spilled) {
  result_.records.push_back({static_cast<uint16_t>(hot_.bytes().size() - result_.entry_offset),
                             static_cast<uint16_t>((current_rip() - request_.rip) & 0x3fff), scratch_spilled_,
                             rax_spilled, address_, index_});
}

// Its bytes are taken from the guest's code: it may stand for several (merge_plain).
void Translator::translate_copy(const DecodedInstruction& instruction) {
  record(false);
  if (request_.code == 0 || !load_changing_immediate(instruction))
    hot_.raw(request_.bytes.subspan(current_rip() - request_.rip, instruction.length));
}

// mov register, immediate: of 32 or 64 bits, in the block's first page. Anything else is copied.
bool Translator::load_changing_immediate(const DecodedInstruction& instruction) {
  constexpr uint8_t kMoveImmediate = 0xb8;
  uint8_t opcode = instruction.bytes[instruction.opcode_offset];
  if (instruction.vex_size != 0 || (opcode & 0xf8) != kMoveImmediate || instruction.operand_size < 4)
    return false;
  uint64_t offset = current_rip() - request_.rip + instruction.opcode_offset + 1;
  uint8_t size = instruction.operand_size;
  if ((request_.rip & ~kPageMask) + offset + size > kPageSize) return false;
  uint8_t rex = instruction.opcode_offset > 0 ? instruction.bytes[instruction.opcode_offset - 1] : 0;
  auto reg = static_cast<uint8_t>((opcode & 7) | ((rex & 0xf1) == 0x41 ? 8 : 0));
  hot_.move_immediate(reg, request_.code + offset);
  if (size == 4) {
    hot_.load32(reg, reg);
  } else {
    hot_.load(reg, reg);
  }
  result_.holes.push_back({static_cast<uint16_t>(offset), size});
  return true;
}

void Translator::translate_instruction(const DecodedInstruction& instruction) {
  emit_direct_checks();
  if (scratch_spilled_ && (instruction.registers & (1 << address_ | 1 << index_)) != 0) release_scratch();
  check_extended_state(instruction);
  switch (instruction.kind) {
    case InstructionKind::kCopy: translate_copy(instruction); break;
    case InstructionKind::kNothing: break;
    case InstructionKind::kRipAddress: translate_rip_address(instruction); break;
    case InstructionKind::kMemory: translate_memory(instruction); break;
    case InstructionKind::kBitString: translate_bit_string(instruction); break;
    case InstructionKind::kPushRegister:
    case InstructionKind::kPushImmediate:
      if (!translate_stack_run()) translate_push(instruction);
      break;
    case InstructionKind::kPushMemory: translate_push_memory(instruction); break;
    case InstructionKind::kPopRegister:
      if (!translate_stack_run()) translate_pop(instruction);
      break;
    case InstructionKind::kLeave: translate_leave(); break;
    case InstructionKind::kPushFlags: translate_push_flags(); break;
    case InstructionKind::kRepeatMove:
    case InstructionKind::kRepeatStore: translate_repeat(instruction); break;
    case InstructionKind::kJump:
      if (flow_[current_].target >= 0) {
        settle();
        jump_to_leader(static_cast<size_t>(flow_[current_].target), std::nullopt);
        ended_ = true;
        break;
      }
      release_scratch();
      translate_jump(instruction.target, request_.mode);
      break;
    case InstructionKind::kJumpConditional: translate_conditional_jump(instruction); break;
    case InstructionKind::kJumpRegister:
    case InstructionKind::kJumpMemory: translate_indirect(instruction, false); break;
    case InstructionKind::kCallRegister:
    case InstructionKind::kCallMemory: translate_indirect(instruction, true); break;
    case InstructionKind::kCall: translate_call(instruction); break;
    case InstructionKind::kReturn: translate_return(instruction); break;
    default:
      if (!translate_system(instruction)) {
        release_scratch();
        leave_to_interpreter(hot_);
        ended_ = true;
      }
      break;
  }
}

}  // namespace cumulet::hypervisor
