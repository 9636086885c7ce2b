// Instructions that 64-bit mode lacks (decimal adjustments, SALC), and bit tests with a bit string in memory.
#include "hypervisor/interpret/compute.h"
#include "hypervisor/interpret/instructions.h"
#include "hypervisor/interpret/operands.h"

namespace cumulet::hypervisor {

namespace {
void set_flag(CpuState& state, uint64_t flag, bool on) {
  state.rflags = on ? state.rflags | flag : state.rflags & ~flag;
}

void set_result_flags(CpuState& state, uint8_t al) {
  set_flag(state, rflags::kZf, al == 0);
  set_flag(state, rflags::kSf, (al & 0x80) != 0);
  set_flag(state, rflags::kPf, (__builtin_popcount(al) & 1) == 0);
}

// DAA and DAS (SDM volume 2).
void adjust_packed(Execution& x, bool subtract) {
  CpuState& state = x.state;
  auto old = static_cast<uint8_t>(read_gpr(x, kRax, 8));
  bool old_carry = (state.rflags & rflags::kCf) != 0;
  uint8_t al = old;
  bool carry = false;
  bool half = (old & 15) > 9 || (state.rflags & rflags::kAf) != 0;
  if (half) {
    carry = old_carry || (subtract ? old < 6 : old > 0xff - 6);
    al = static_cast<uint8_t>(subtract ? al - 6 : al + 6);
  }
  if (old > 0x99 || old_carry) {
    al = static_cast<uint8_t>(subtract ? al - 0x60 : al + 0x60);
    carry = true;
  } else if (!subtract) {
    carry = false;
  }
  set_flag(state, rflags::kAf, half);
  set_flag(state, rflags::kCf, carry);
  set_result_flags(state, al);
  write_gpr(x, kRax, 8, al);
}

// AAA and AAS (SDM volume 2).
void adjust_unpacked(Execution& x, bool subtract) {
  CpuState& state = x.state;
  auto ax = static_cast<uint16_t>(read_gpr(x, kRax, 16));
  bool adjusts = (ax & 15) > 9 || (state.rflags & rflags::kAf) != 0;
  if (adjusts) ax = static_cast<uint16_t>(subtract ? ax - 0x106 : ax + 0x106);
  set_flag(state, rflags::kAf, adjusts);
  set_flag(state, rflags::kCf, adjusts);
  write_gpr(x, kRax, 16, ax & 0xff0f);
}
}  // namespace

bool execute_decimal(Execution& x) {
  auto al = static_cast<uint8_t>(read_gpr(x, kRax, 8));
  auto ah = static_cast<uint8_t>(read_gpr(x, kRax, 16) >> 8);
  switch (x.info().mnemonic) {
    case ZYDIS_MNEMONIC_DAA:
    case ZYDIS_MNEMONIC_DAS: adjust_packed(x, x.info().mnemonic == ZYDIS_MNEMONIC_DAS); return true;
    case ZYDIS_MNEMONIC_AAA:
    case ZYDIS_MNEMONIC_AAS: adjust_unpacked(x, x.info().mnemonic == ZYDIS_MNEMONIC_AAS); return true;
    default: break;
  }
  auto base = static_cast<uint8_t>(x.operand(0).imm.value.u);
  if (x.info().mnemonic == ZYDIS_MNEMONIC_AAD) {
    auto result = static_cast<uint8_t>(al + ah * base);
    write_gpr(x, kRax, 16, result);
    set_result_flags(x.state, result);
    return true;
  }
  if (base == 0) return x.stop({kDivideError});
  write_gpr(x, kRax, 16, static_cast<uint64_t>(al / base) << 8 | al % base);
  set_result_flags(x.state, al % base);
  return true;
}

bool execute_salc(Execution& x) {
  write_gpr(x, kRax, 8, (x.state.rflags & rflags::kCf) != 0 ? 0xff : 0);
  return true;
}

// BT, BTS, BTR and BTC with a register as bit number reach beyond the operand when it is in memory (SDM
// volume 2, BT): they become the form with an immediate, on the unit of memory that holds the bit.
bool execute_bit_test(Execution& x) {
  const ZydisDecodedOperand& base = x.operand(0);
  const ZydisDecodedOperand& bit = x.operand(1);
  if (base.type != ZYDIS_OPERAND_TYPE_MEMORY || bit.type != ZYDIS_OPERAND_TYPE_REGISTER)
    return execute_natively(x);
  unsigned width = base.size;
  unsigned unused_bits = 64 - width;
  int64_t number = static_cast<int64_t>(read_register(x, bit.reg.value) << unused_bits) >> unused_bits;
  int64_t unit = number >> (width == 64 ? 6 : width == 32 ? 5 : 4);

  uint8_t extension = 4;
  if (x.info().mnemonic == ZYDIS_MNEMONIC_BTS) extension = 5;
  if (x.info().mnemonic == ZYDIS_MNEMONIC_BTR) extension = 6;
  if (x.info().mnemonic == ZYDIS_MNEMONIC_BTC) extension = 7;
  bool locked = x.has(ZYDIS_ATTRIB_HAS_LOCK);
  NativeCode code;
  code.pointer_register = kRsi;
  if (locked) code.append(0xf0);
  if (width == 16) code.append(0x66);
  if (width == 64) code.append(0x48);
  code.append(0x0f);
  code.append(0xba);
  code.append(static_cast<uint8_t>(extension << 3 | kRsi));
  code.append(static_cast<uint8_t>(number & (width - 1)));

  bool writes = extension != 4;
  uint64_t offset = effective_offset(x, base) + static_cast<uint64_t>(unit * (width / 8));
  offset &= low_mask(x.info().address_width);
  return run_native(x, code,
                    {segment_of(base.mem.segment), offset, width / 8, true, writes, writes && locked}, false);
}

}  // namespace cumulet::hypervisor
