// The frame of a block: decoding, flag liveness, and which kind of instruction goes where.
#include "hypervisor/translate/translator.h"

#include <algorithm>

#include "base/check.h"

namespace cumulet::hypervisor {

namespace {
constexpr size_t kMaxInstructions = 48;
constexpr size_t kMaxInstructionLength = 15;

bool ends_block(const DecodedInstruction& instruction) {
  switch (instruction.kind) {
    case InstructionKind::kJump:
    case InstructionKind::kJumpConditional:
    case InstructionKind::kJumpRegister:
    case InstructionKind::kJumpMemory:
    case InstructionKind::kCall:
    case InstructionKind::kCallRegister:
    case InstructionKind::kCallMemory:
    case InstructionKind::kReturn:
    case InstructionKind::kSetAccess:
    case InstructionKind::kClearAccess:
    case InstructionKind::kInterpret: return true;
    default: return false;
  }
}

// Instructions that need state which this mode does not have are the interpreter's: it raises #NM or #UD.
bool allowed(const DecodedInstruction& instruction, CodeMode mode) {
  bool user = (mode & kModeUser) != 0;
  switch (instruction.kind) {
    case InstructionKind::kClearInterrupts:
    case InstructionKind::kSetInterrupts:
    case InstructionKind::kSetAccess:
    case InstructionKind::kClearAccess:
    case InstructionKind::kSwapGs: return !user;
    default: return static_cast<uint8_t>(instruction.state) <= static_cast<uint8_t>(fpu_level(mode));
  }
}
}  // namespace

Translator::Translator(const Context& layout, const Stubs& stubs, bool single_instruction)
    : layout_(layout), stubs_(stubs), single_instruction_(single_instruction) {}

TranslationResult Translator::translate(const TranslationRequest& request) {
  request_ = request;
  result_ = {};
  decode();
  if (instructions_.empty()) return {};
  find_live_flags();
  plan_direct();
  next_check_ = 0;

  hot_.start(request.hot_address);
  cold_.start(request.cold_address);
  scratch_spilled_ = ended_ = false;
  emit_entries();

  for (current_ = 0; current_ < instructions_.size(); ++current_)
    translate_instruction(instructions_[current_]);
  if (!ended_) {
    current_ = instructions_.size() - 1;
    release_scratch();
    translate_jump(next_rip(), request.mode);
  }
  result_.size = static_cast<uint16_t>((rips_.back() + instructions_.back().length) - request.rip);
  return std::move(result_);
}

// Takes instructions until one ends the block. An instruction that crosses into the next page is a block of
// its own, so that only that block depends on two address translations.
void Translator::decode() {
  instructions_.clear();
  rips_.clear();
  size_t limit = single_instruction_ ? 1 : kMaxInstructions;
  uint64_t page_left = kPageSize - (request_.rip & ~kPageMask);
  uint64_t offset = 0;
  while (instructions_.size() < limit && offset < page_left && offset < request_.bytes.size()) {
    ByteView rest = request_.bytes.subspan(offset);
    DecodedInstruction instruction =
        decode_64bit(rest.first(std::min(rest.size(), kMaxInstructionLength)), request_.rip + offset);
    bool unknown = instruction.length == 0;
    if (unknown && rest.size() < kMaxInstructionLength && offset + rest.size() >= page_left) {
      if (instructions_.empty()) return;  // cut off at the page's end, perhaps
      break;
    }
    if (unknown) instruction.length = 1;  // not an instruction: the interpreter raises #UD
    if (offset + instruction.length > page_left && offset > 0) break;
    if (!allowed(instruction, request_.mode)) instruction.kind = InstructionKind::kInterpret;
    instructions_.push_back(instruction);
    rips_.push_back(request_.rip + offset);
    offset += instruction.length;
    if (ends_block(instruction)) break;
  }
}

// Backwards: an arithmetic flag is live if some later instruction may read it before all paths overwrite it.
// What follows the block is unknown, so everything is live there; so it is at an instruction that is
// interpreted.
void Translator::find_live_flags() {
  live_before_.assign(instructions_.size() + 1, 1);
  uint64_t live = rflags::kArithmetic;
  for (size_t i = instructions_.size(); i-- > 0;) {
    const DecodedInstruction& instruction = instructions_[i];
    if (ends_block(instruction)) {
      live = rflags::kArithmetic;
    } else {
      live = (live & ~uint64_t{instruction.flags_killed}) | instruction.flags_read;
    }
    live_before_[i] = live != 0 || single_instruction_ ? 1 : 0;
  }
}

void Translator::record(bool rax_spilled) {
  result_.records.push_back({static_cast<uint32_t>(hot_.bytes().size()) - result_.entry_offset,
                             static_cast<uint16_t>(current_rip() - request_.rip), scratch_spilled_, address_,
                             index_, rax_spilled});
}

void Translator::translate_instruction(const DecodedInstruction& instruction) {
  emit_direct_checks();
  if (scratch_spilled_ && (instruction.registers & (1 << address_ | 1 << index_)) != 0) release_scratch();
  switch (instruction.kind) {
    case InstructionKind::kCopy:
      record(false);
      hot_.raw(ByteView(instruction.bytes).first(instruction.length));
      break;
    case InstructionKind::kNothing: break;
    case InstructionKind::kRipAddress:
      hot_.move_immediate(instruction.operand_register, instruction.target);
      break;
    case InstructionKind::kMemory: translate_memory(instruction); break;
    case InstructionKind::kBitString: translate_bit_string(instruction); break;
    case InstructionKind::kPushRegister:
    case InstructionKind::kPushImmediate: translate_push(instruction); break;
    case InstructionKind::kPushMemory: translate_push_memory(instruction); break;
    case InstructionKind::kPopRegister: translate_pop(instruction); break;
    case InstructionKind::kLeave: translate_leave(); break;
    case InstructionKind::kPushFlags: translate_push_flags(); break;
    case InstructionKind::kRepeatMove:
    case InstructionKind::kRepeatStore: translate_repeat(instruction); break;
    case InstructionKind::kJump:
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
