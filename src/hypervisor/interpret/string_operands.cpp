// Operands of string instructions.
#include "hypervisor/interpret/string_operands.h"

#include "hypervisor/interpret/memory_access.h"
#include "hypervisor/interpret/operands.h"

namespace cumulet::hypervisor {

namespace {
void advance(Execution& x, Register index, const StringOperands& string) {
  uint64_t step = string.element_size;
  if ((x.state.rflags & rflags::kDf) != 0) step = 0 - step;
  write_gpr(x, index, string.address_bits, read_gpr(x, index, string.address_bits) + step);
}
}  // namespace

StringOperands::StringOperands(const Execution& x)
    : element_size(1),
      address_bits(x.info().address_width),
      repeated(x.has(ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)) {
  for (int i = 0; i < x.info().operand_count; ++i) {
    const ZydisDecodedOperand& operand = x.operand(i);
    if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY) continue;
    element_size = static_cast<uint8_t>(operand.size / 8);
    if (general_register(operand.mem.base) == kRsi) source_segment = segment_of(operand.mem.segment);
  }
}

bool StringOperands::load_source(Execution& x, uint64_t& value) const {
  return read_integer(x, source_segment, read_gpr(x, kRsi, address_bits), element_size, value);
}

bool StringOperands::load_destination(Execution& x, uint64_t& value) const {
  return read_integer(x, kEs, read_gpr(x, kRdi, address_bits), element_size, value);
}

bool StringOperands::store_destination(Execution& x, uint64_t value) const {
  return write_integer(x, kEs, read_gpr(x, kRdi, address_bits), element_size, value);
}

void StringOperands::advance_source(Execution& x) const { advance(x, kRsi, *this); }
void StringOperands::advance_destination(Execution& x) const { advance(x, kRdi, *this); }

}  // namespace cumulet::hypervisor
