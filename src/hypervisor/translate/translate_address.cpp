// Linear addresses in translated code: numbers, or with kModeRelative sums of the page's base and a number.
#include <algorithm>

#include "hypervisor/translate/translator.h"

namespace cumulet::hypervisor {

int32_t Translator::base_field() const {
  return context_offset(layout_, &layout_.page_bases[request_.page_number].base);
}

const LeaveStubs& Translator::leave_stubs() const {
  return relative() ? stubs_.leave_relative : stubs_.leave;
}

// reg = linear. Leaves flags alone.
void Translator::load_linear(Emitter& out, uint8_t reg, uint64_t linear) {
  if (!relative()) return out.move_immediate(reg, linear);
  out.load_context(reg, base_field());
  // The farthest is a page and an instruction beyond what 32 bits hold.
  auto distance = static_cast<int64_t>(from_base(linear));
  int64_t first = std::clamp<int64_t>(distance, INT32_MIN, INT32_MAX);
  out.lea(reg, reg, static_cast<int32_t>(first));
  if (first != distance) out.lea(reg, reg, static_cast<int32_t>(distance - first));
}

// state.rip = linear, as leave_stubs() want it.
void Translator::store_rip(Emitter& out, uint64_t linear) {
  out.store_context_immediate64(context_offset(layout_, &layout_.cpu.state.rip), from_base(linear));
  if (relative())
    out.store_context_immediate32(context_offset(layout_, &layout_.page_number), request_.page_number);
}

// lea with rip, which gives 32 or 64 bits.
void Translator::translate_rip_address(const DecodedInstruction& instruction) {
  uint8_t reg = instruction.operand_register;
  if (!relative() || instruction.operand_size != 4) return load_linear(hot_, reg, instruction.target);
  auto distance = static_cast<int32_t>(static_cast<uint32_t>(from_base(instruction.target)));
  hot_.load_context(reg, base_field());
  hot_.lea(reg, reg, distance);
  hot_.move32(reg, reg);
}

}  // namespace cumulet::hypervisor
