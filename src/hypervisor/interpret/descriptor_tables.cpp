// Instructions on GDT, IDT, LDT and task register, and those that look at descriptors.
#include <optional>

#include "hypervisor/interpret/descriptors.h"
#include "hypervisor/interpret/instructions.h"
#include "hypervisor/interpret/memory_access.h"
#include "hypervisor/interpret/operands.h"

namespace cumulet::hypervisor {

namespace {
constexpr auto kSystem = AccessPrivilege::kImplicitSupervisor;

bool check_umip(Execution& x) {
  bool hidden = x.protected_mode() && (x.state.cr4 & cr4::kUmip) != 0 && x.cpu.cpl() > 0;
  return !hidden || x.stop(general_protection());
}

bool read_selector(Execution& x, const ZydisDecodedOperand& operand, uint16_t& selector) {
  uint64_t value = 0;
  if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) {
    if (!read_integer(x, segment_of(operand.mem.segment), effective_offset(x, operand), 2, value))
      return false;
  } else {
    value = read_register(x, operand.reg.value);
  }
  selector = static_cast<uint16_t>(value);
  return true;
}

bool store_selector(Execution& x, uint16_t selector) {
  const ZydisDecodedOperand& to = x.operand(0);
  if (to.type == ZYDIS_OPERAND_TYPE_MEMORY)
    return write_integer(x, segment_of(to.mem.segment), effective_offset(x, to), 2, selector);
  write_register(x, to.reg.value, selector);
  return true;
}

// The descriptor of a selector that LAR, LSL, VERR and VERW look at: none (and no fault) if it is not there.
// False when the instruction stopped.
bool look_at(Execution& x, uint16_t selector, std::optional<Descriptor>& descriptor) {
  descriptor.reset();
  if (is_null_selector(selector)) return true;
  Descriptor found;
  if (!read_descriptor(x, selector, found)) {
    if (!x.exception || x.exception->vector != kGeneralProtection) return false;
    x.exception.reset();
    return true;
  }
  descriptor = found;
  return true;
}

bool visible(const Execution& x, uint16_t selector, const Descriptor& descriptor) {
  if (descriptor.is_conforming()) return true;
  return descriptor.dpl() >= x.cpu.cpl() && descriptor.dpl() >= rpl(selector);
}

void set_zf(Execution& x, bool zf) {
  x.state.rflags = zf ? x.state.rflags | rflags::kZf : x.state.rflags & ~rflags::kZf;
}

// The system types that LAR and LSL accept (SDM volume 2, LAR and LSL).
bool type_has_rights(const Execution& x, const Descriptor& descriptor, bool limit) {
  if (descriptor.code_or_data()) return true;
  switch (descriptor.type()) {
    case kLdt:
    case kTss32Available:
    case kTss32Busy: return true;
    case kTss16Available:
    case kTss16Busy: return !x.cpu.long_mode();
    case kCallGate32: return !limit;
    case kCallGate16:
    case kTaskGate: return !limit && !x.cpu.long_mode();
    default: return false;
  }
}
}  // namespace

bool execute_load_table(Execution& x) {
  if (!x.require_cpl0()) return false;
  const ZydisDecodedOperand& from = x.operand(0);
  SegmentRegister segment = segment_of(from.mem.segment);
  uint64_t offset = effective_offset(x, from);
  unsigned base_size = x.code64() ? 8 : 4;
  uint64_t limit = 0;
  uint64_t base = 0;
  if (!read_integer(x, segment, offset, 2, limit)) return false;
  if (!read_integer(x, segment, (offset + 2) & low_mask(x.info().address_width), base_size, base))
    return false;
  if (!x.code64() && x.info().operand_width == 16) base &= 0xffffff;
  if (!is_canonical(base)) return x.stop(general_protection());
  DescriptorTable& table = x.info().mnemonic == ZYDIS_MNEMONIC_LGDT ? x.state.gdtr : x.state.idtr;
  table = {base, static_cast<uint16_t>(limit)};
  return true;
}

bool execute_store_table(Execution& x) {
  if (!check_umip(x)) return false;
  const ZydisDecodedOperand& to = x.operand(0);
  const DescriptorTable& table = x.info().mnemonic == ZYDIS_MNEMONIC_SGDT ? x.state.gdtr : x.state.idtr;
  uint8_t bytes[10];
  store_le<uint16_t>(bytes, 0, table.limit);
  store_le<uint64_t>(bytes, 2, table.base);
  return write_memory(x, segment_of(to.mem.segment), effective_offset(x, to),
                      ByteView(bytes).first(x.code64() ? 10 : 6));
}

bool execute_lldt(Execution& x) {
  uint16_t selector = 0;
  if (!x.protected_mode()) return x.stop(invalid_opcode());
  if (!x.require_cpl0() || !read_selector(x, x.operand(0), selector)) return false;
  if (is_null_selector(selector)) {
    x.state.ldtr = null_segment(selector);
    return true;
  }
  Descriptor descriptor;
  uint64_t high = 0;
  if ((selector & 4) != 0) return x.stop(general_protection(selector_code(selector)));
  if (!read_descriptor(x, selector, descriptor)) return false;
  if (descriptor.code_or_data() || descriptor.type() != kLdt)
    return x.stop(general_protection(selector_code(selector)));
  if (!descriptor.present()) return x.stop(fault_with_code(kSegmentNotPresent, selector_code(selector)));
  if (x.cpu.long_mode() && !read_descriptor_base_high(x, descriptor, high)) return false;
  x.state.ldtr = to_segment(selector, descriptor);
  x.state.ldtr.base |= high;
  return true;
}

bool execute_ltr(Execution& x) {
  uint16_t selector = 0;
  if (!x.protected_mode()) return x.stop(invalid_opcode());
  if (!x.require_cpl0() || !read_selector(x, x.operand(0), selector)) return false;
  Descriptor descriptor;
  uint64_t high = 0;
  if (is_null_selector(selector)) return x.stop(general_protection());
  if ((selector & 4) != 0) return x.stop(general_protection(selector_code(selector)));
  if (!read_descriptor(x, selector, descriptor)) return false;
  bool available =
      !descriptor.code_or_data() &&
      (descriptor.type() == kTss32Available || (descriptor.type() == kTss16Available && !x.cpu.long_mode()));
  if (!available) return x.stop(general_protection(selector_code(selector)));
  if (!descriptor.present()) return x.stop(fault_with_code(kSegmentNotPresent, selector_code(selector)));
  if (x.cpu.long_mode() && !read_descriptor_base_high(x, descriptor, high)) return false;
  constexpr uint64_t kBusy = uint64_t{2} << 40;
  descriptor.raw |= kBusy;
  if (!write_linear_integer(x, descriptor.address + 5, 1, descriptor.raw >> 40 & 0xff, kSystem)) return false;
  x.state.tr = to_segment(selector, descriptor);
  x.state.tr.base |= high;
  return true;
}

bool execute_sldt(Execution& x) {
  if (!x.protected_mode()) return x.stop(invalid_opcode());
  return check_umip(x) && store_selector(x, x.state.ldtr.selector);
}

bool execute_str(Execution& x) {
  if (!x.protected_mode()) return x.stop(invalid_opcode());
  return check_umip(x) && store_selector(x, x.state.tr.selector);
}

bool execute_lar(Execution& x) {
  uint16_t selector = 0;
  std::optional<Descriptor> descriptor;
  if (!x.protected_mode()) return x.stop(invalid_opcode());
  if (!read_selector(x, x.operand(1), selector) || !look_at(x, selector, descriptor)) return false;
  bool shown = descriptor && visible(x, selector, *descriptor) && type_has_rights(x, *descriptor, false);
  set_zf(x, shown);
  if (shown) write_register(x, x.operand(0).reg.value, descriptor->raw >> 32 & 0x00f0ff00);
  return true;
}

bool execute_lsl(Execution& x) {
  uint16_t selector = 0;
  std::optional<Descriptor> descriptor;
  if (!x.protected_mode()) return x.stop(invalid_opcode());
  if (!read_selector(x, x.operand(1), selector) || !look_at(x, selector, descriptor)) return false;
  bool shown = descriptor && visible(x, selector, *descriptor) && type_has_rights(x, *descriptor, true);
  set_zf(x, shown);
  if (shown) write_register(x, x.operand(0).reg.value, to_segment(selector, *descriptor).limit);
  return true;
}

bool execute_verify(Execution& x) {
  uint16_t selector = 0;
  std::optional<Descriptor> descriptor;
  if (!x.protected_mode()) return x.stop(invalid_opcode());
  if (!read_selector(x, x.operand(0), selector) || !look_at(x, selector, descriptor)) return false;
  bool reads = x.info().mnemonic == ZYDIS_MNEMONIC_VERR;
  set_zf(x, descriptor && visible(x, selector, *descriptor) &&
                (reads ? descriptor->is_readable() : descriptor->is_writable_data()));
  return true;
}

bool execute_arpl(Execution& x) {
  uint64_t destination = 0;
  if (!x.protected_mode()) return x.stop(invalid_opcode());
  if (!read_operand(x, x.operand(0), destination)) return false;
  uint64_t source = read_register(x, x.operand(1).reg.value);
  bool raised = (destination & 3) < (source & 3);
  if (raised && !write_operand(x, x.operand(0), (destination & ~uint64_t{3}) | (source & 3))) return false;
  set_zf(x, raised);
  return true;
}

}  // namespace cumulet::hypervisor
