// Direct jumps and calls: chained within a page, through the vCPU's slots otherwise.
#include "hypervisor/translate/translator.h"

namespace cumulet::hypervisor {

// A chained jump is not looked up again when address translations change. Within the page that is right:
// whoever runs this block got here by a lookup that found this page where the target is too.
bool Translator::chainable_target(uint64_t target) const {
  return !options_.single_instruction && (target & kPageMask) == (request_.rip & kPageMask);
}

// The displacement of the slot of the link that add_link() will make.
int32_t Translator::slot_of_next_link() const {
  uint64_t number = request_.first_link + result_.links.size();
  return context_offset(layout_, &layout_.link_slots[number].code);
}

// Makes a direct jump's link; its rel32 is at `relative_address`, or 0 if it always goes through its slot.
// Returns where the jump goes until it is chained.
uint64_t Translator::add_link(uint64_t target, CodeMode mode, uint64_t relative_address) {
  uint64_t slot_stub = cold_.here();
  if (relative_address != 0) cold_.jump_context(slot_of_next_link());
  uint64_t leave = cold_.here();
  auto number = static_cast<uint32_t>(request_.first_link + result_.links.size());
  store_rip(cold_, target);
  cold_.store_context_immediate64(context_offset(layout_, &layout_.link), number);
  cold_.jump(leave_stubs().link);
  result_.links.push_back({relative_address, leave, slot_stub, from_base(target), mode});
  return leave;
}

// Precondition: the scratch registers are released.
void Translator::translate_jump(uint64_t target, CodeMode mode) {
  ended_ = true;
  if (options_.single_instruction) {
    store_rip(hot_, target);
    hot_.jump(leave_stubs().lookup);
  } else if (target == request_.rip && mode == request_.mode) {
    hot_.jump(request_.hot_address + result_.entry_offset);
  } else if (chainable_target(target) && mode == request_.mode) {
    hot_.align(4, 1);
    hot_.jump(add_link(target, mode, hot_.here() + 1));
  } else {
    hot_.jump_context(slot_of_next_link());
    add_link(target, mode, 0);
  }
}

// Cold code that a conditional jump which cannot be patched goes to.
uint64_t Translator::far_jump_stub(uint64_t target) {
  uint64_t stub = cold_.here();
  if (options_.single_instruction) {
    store_rip(cold_, target);
    cold_.jump(leave_stubs().lookup);
  } else {
    cold_.jump_context(slot_of_next_link());
    add_link(target, request_.mode, 0);
  }
  return stub;
}

void Translator::translate_conditional_jump(const DecodedInstruction& instruction) {
  if (region_) return translate_region_conditional(instruction);
  constexpr uint8_t kLoopne = 0xe0, kJrcxz = 0xe3, kTwoByte = 0x0f;
  release_scratch();
  uint8_t opcode = instruction.bytes[instruction.opcode_offset];
  uint64_t target = instruction.target;
  if (opcode >= kLoopne && opcode <= kJrcxz) {
    // These have a short displacement only: over a short jump to a long one.
    const uint8_t code[] = {opcode, 2, 0xeb, 5};
    hot_.raw(code);
    hot_.jump(far_jump_stub(target));
  } else {
    if (opcode == kTwoByte) opcode = instruction.bytes[instruction.opcode_offset + 1];
    auto condition = static_cast<Condition>(opcode & 0xf);
    if (target == request_.rip && !options_.single_instruction) {
      hot_.jump_if(condition, request_.hot_address + result_.entry_offset);
    } else if (chainable_target(target)) {
      hot_.align(4, 2);
      hot_.jump_if(condition, add_link(target, request_.mode, hot_.here() + 2));
    } else {
      hot_.jump_if(condition, far_jump_stub(target));
    }
  }
  translate_jump(next_rip(), request_.mode);
}

void Translator::translate_call(const DecodedInstruction& instruction) {
  push_return_address();
  release_scratch();
  translate_jump(instruction.target, request_.mode);
}

}  // namespace cumulet::hypervisor
