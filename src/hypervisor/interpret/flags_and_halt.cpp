// Interrupt, direction and alignment flags; halt; cache and TLB invalidation.
#include "hypervisor/interpret/instructions.h"
#include "hypervisor/interpret/memory_access.h"
#include "hypervisor/interpret/operands.h"

namespace cumulet::hypervisor {

bool execute_cli(Execution& x) {
  if (x.protected_mode() && x.cpu.cpl() > x.iopl()) return x.stop(general_protection());
  x.state.rflags &= ~rflags::kIf;
  return true;
}

bool execute_sti(Execution& x) {
  if (x.protected_mode() && x.cpu.cpl() > x.iopl()) return x.stop(general_protection());
  // The shadow of one instruction exists only if IF was clear (SDM volume 2, STI).
  if ((x.state.rflags & rflags::kIf) == 0) x.state.interrupt_shadow = true;
  x.state.rflags |= rflags::kIf;
  return true;
}

bool execute_cld(Execution& x) {
  x.state.rflags &= ~rflags::kDf;
  return true;
}

bool execute_std(Execution& x) {
  x.state.rflags |= rflags::kDf;
  return true;
}

bool execute_clac(Execution& x) {
  if (x.cpu.cpl() != 0) return x.stop(invalid_opcode());
  x.state.rflags &= ~rflags::kAc;
  return true;
}

bool execute_stac(Execution& x) {
  if (x.cpu.cpl() != 0) return x.stop(invalid_opcode());
  x.state.rflags |= rflags::kAc;
  return true;
}

bool execute_hlt(Execution& x) {
  if (!x.require_cpl0()) return false;
  x.state.activity = Activity::kHalted;
  return x.finish_with(HaltExit{});
}

bool execute_serialize(Execution& x) {
  constexpr uint32_t kSerializeBit = 1 << 14;
  bool shown = x.cpu.cpuid == nullptr || (x.cpu.cpuid->query(7, 0).edx & kSerializeBit) != 0;
  return shown || x.stop(invalid_opcode());
}

bool execute_privileged_nothing(Execution& x) { return x.require_cpl0(); }

bool execute_invlpg(Execution& x) {
  if (!x.require_cpl0()) return false;
  const ZydisDecodedOperand& operand = x.operand(0);
  SegmentRegister segment = segment_of(operand.mem.segment);
  bool has_base = !x.code64() || segment == kFs || segment == kGs;
  uint64_t linear = effective_offset(x, operand) + (has_base ? x.state.segments[segment].base : 0);
  if (!x.code64()) linear &= 0xffffffff;
  if (x.cpu.observer != nullptr && is_canonical(linear)) x.cpu.observer->tlb_flush_page(linear);
  return true;
}

bool execute_invpcid(Execution& x) {
  constexpr uint32_t kInvpcidBit = 1 << 10;
  bool shown = x.cpu.cpuid == nullptr || (x.cpu.cpuid->query(7, 0).ebx & kInvpcidBit) != 0;
  if (!shown) return x.stop(invalid_opcode());
  if (!x.require_cpl0()) return false;
  uint64_t type = read_register(x, x.operand(0).reg.value);
  const ZydisDecodedOperand& memory = x.operand(1);
  uint8_t bytes[16];
  if (!read_memory(x, segment_of(memory.mem.segment), effective_offset(x, memory), bytes)) return false;
  uint64_t pcid = load_le<uint64_t>(bytes, 0);
  uint64_t linear = load_le<uint64_t>(bytes, 8);
  bool bad_pcid = pcid > 0xfff || ((x.state.cr4 & cr4::kPcide) == 0 && pcid != 0 && type < 2);
  if (type > 3 || bad_pcid || (type == 0 && !is_canonical(linear))) return x.stop(general_protection());
  if (x.cpu.observer == nullptr) return true;
  if (type == 0) {
    x.cpu.observer->tlb_flush_page(linear);
  } else {
    x.cpu.observer->tlb_flush_all();  // more than asked: entries are not told apart by PCID here
  }
  return true;
}

}  // namespace cumulet::hypervisor
