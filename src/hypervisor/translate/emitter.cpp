// Encodings of the host instructions that translation adds (SDM volume 2, chapter 2 and the instruction
// pages).
#include "hypervisor/translate/emitter.h"

#include <cstring>

namespace cumulet::hypervisor {

namespace {
constexpr uint8_t kGsPrefix = 0x65;
constexpr uint8_t kSibNoBase = 0x25;  // SIB: no base, no index, 32-bit displacement

bool fits_signed32(uint64_t value) { return static_cast<uint64_t>(static_cast<int32_t>(value)) == value; }
}  // namespace

void Emitter::align(uint32_t alignment, uint32_t ahead) {
  // Intel's recommended multi-byte nops (SDM volume 2, NOP).
  static constexpr uint8_t kNops[8][8] = {{},
                                          {0x90},
                                          {0x66, 0x90},
                                          {0x0f, 0x1f, 0x00},
                                          {0x0f, 0x1f, 0x40, 0x00},
                                          {0x0f, 0x1f, 0x44, 0x00, 0x00},
                                          {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
                                          {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00}};
  auto missing = static_cast<uint32_t>(-(here() + ahead) & (alignment - 1));
  while (missing > 0) {
    uint32_t step = missing < 7 ? missing : 7;
    raw(ByteView(kNops[step]).first(step));
    missing -= step;
  }
}

void Emitter::rex(bool wide, uint8_t reg, uint8_t index, uint8_t base, bool always) {
  auto bits =
      static_cast<uint8_t>((wide ? 8 : 0) | (reg >= 8 ? 4 : 0) | (index >= 8 ? 2 : 0) | (base >= 8 ? 1 : 0));
  if (bits != 0 || always) byte(0x40 | bits);
}

void Emitter::context_operand(uint8_t opcode, uint8_t reg, int32_t field, bool wide) {
  byte(kGsPrefix);
  rex(wide, reg, 0, 0);
  raw({opcode, static_cast<uint8_t>(0x04 | (reg & 7) << 3), kSibNoBase});
  value(field);
}

void Emitter::load_context16(uint8_t destination, int32_t field) {
  byte(kGsPrefix);
  rex(false, destination, 0, 0);
  raw({0x0f, 0xb7, static_cast<uint8_t>(0x04 | (destination & 7) << 3), kSibNoBase});
  value(field);
}

void Emitter::load_context_low16(uint8_t destination, int32_t field) {
  constexpr uint8_t kOperandSizePrefix = 0x66;
  byte(kOperandSizePrefix);
  context_operand(0x8b, destination, field, false);
}

void Emitter::store_context_immediate32(int32_t field, uint32_t immediate) {
  context_operand(0xc7, 0, field, false);
  value(immediate);
}

void Emitter::store_context_immediate64(int32_t field, uint64_t immediate) {
  if (fits_signed32(immediate)) {
    context_operand(0xc7, 0, field, true);
    value(static_cast<uint32_t>(immediate));
    return;
  }
  store_context_immediate32(field, static_cast<uint32_t>(immediate));
  store_context_immediate32(field + 4, static_cast<uint32_t>(immediate >> 32));
}

void Emitter::and_context_byte(int32_t field, uint8_t mask) {
  context_operand(0x80, 4, field, false);
  byte(mask);
}

void Emitter::or_context_byte(int32_t field, uint8_t mask) {
  context_operand(0x80, 1, field, false);
  byte(mask);
}

void Emitter::compare_context_byte(int32_t field, uint8_t immediate) {
  context_operand(0x80, 7, field, false);
  byte(immediate);
}

void Emitter::compare_context(int32_t field, int32_t immediate) {
  context_operand(0x81, 7, field, true);
  value(immediate);
}

void Emitter::compare_context_register(int32_t field, uint8_t source) {
  context_operand(0x39, source, field, true);
}
void Emitter::add_context(uint8_t destination, int32_t field) {
  context_operand(0x03, destination, field, true);
}
void Emitter::jump_context(int32_t field) { context_operand(0xff, 4, field, false); }

void Emitter::jump_indexed(uint8_t index, int32_t table) {
  constexpr uint8_t kScale8NoBase = 0xc5;
  byte(kGsPrefix);
  rex(false, 0, index, 0);
  raw({0xff, 0x24, static_cast<uint8_t>(kScale8NoBase | (index & 7) << 3)});
  value(table);
}

void Emitter::indexed(uint8_t opcode, uint8_t reg, uint8_t index, int32_t field) {
  byte(kGsPrefix);
  rex(true, reg, 0, index);
  raw({opcode, static_cast<uint8_t>(0x80 | (reg & 7) << 3 | (index & 7))});
  if ((index & 7) == 4) byte(0x24);
  value(field);
}

void Emitter::registers(uint8_t opcode, uint8_t reg, uint8_t rm, bool wide) {
  rex(wide, reg, 0, rm);
  raw({opcode, static_cast<uint8_t>(0xc0 | (reg & 7) << 3 | (rm & 7))});
}

void Emitter::move_immediate(uint8_t destination, uint64_t immediate) {
  if (immediate >> 32 == 0) {
    rex(false, 0, 0, destination);
    byte(static_cast<uint8_t>(0xb8 | (destination & 7)));
    value(static_cast<uint32_t>(immediate));
  } else if (fits_signed32(immediate)) {
    rex(true, 0, 0, destination);
    raw({0xc7, static_cast<uint8_t>(0xc0 | (destination & 7))});
    value(static_cast<uint32_t>(immediate));
  } else {
    rex(true, 0, 0, destination);
    byte(static_cast<uint8_t>(0xb8 | (destination & 7)));
    value(immediate);
  }
}

void Emitter::and32(uint8_t destination, uint32_t mask) {
  registers(0x81, 4, destination, false);
  value(mask);
}

void Emitter::compare(uint8_t left, int32_t right) {
  registers(0x81, 7, left, true);
  value(right);
}

void Emitter::shift_left(uint8_t destination, uint8_t count, bool wide) {
  registers(0xc1, 4, destination, wide);
  byte(count);
}

void Emitter::shift_right(uint8_t destination, uint8_t count, bool wide) {
  registers(0xc1, 5, destination, wide);
  byte(count);
}

void Emitter::shift_right_arithmetic(uint8_t destination, uint8_t count) {
  registers(0xc1, 7, destination, true);
  byte(count);
}

void Emitter::memory(uint8_t reg, uint8_t base, int32_t displacement) {
  bool none = displacement == 0 && (base & 7) != 5;
  bool small = displacement >= -128 && displacement <= 127;
  uint8_t mod = none ? 0x00 : small ? 0x40 : 0x80;
  byte(static_cast<uint8_t>(mod | (reg & 7) << 3 | (base & 7)));
  if ((base & 7) == 4) byte(0x24);
  if (none) return;
  if (small) {
    byte(static_cast<uint8_t>(displacement));
  } else {
    value(displacement);
  }
}

void Emitter::lea(uint8_t destination, uint8_t base, int32_t displacement) {
  rex(true, destination, 0, base);
  byte(0x8d);
  memory(destination, base, displacement);
}

void Emitter::lea_sum(uint8_t destination, uint8_t base, uint8_t index, uint8_t scale_shift) {
  rex(true, destination, index, base);
  raw({0x8d, static_cast<uint8_t>(0x44 | (destination & 7) << 3),
       static_cast<uint8_t>(scale_shift << 6 | (index & 7) << 3 | (base & 7)), 0});
}

void Emitter::zero_extend16(uint8_t destination, uint8_t source) {
  rex(false, destination, 0, source);
  raw({0x0f, 0xb7, static_cast<uint8_t>(0xc0 | (destination & 7) << 3 | (source & 7))});
}

void Emitter::jump_if_rcx_zero(uint8_t bytes) { raw({0xe3, bytes}); }

void Emitter::load(uint8_t destination, uint8_t base) {
  rex(true, destination, 0, base);
  byte(0x8b);
  memory(destination, base, 0);
}

void Emitter::load32(uint8_t destination, uint8_t base) {
  rex(false, destination, 0, base);
  byte(0x8b);
  memory(destination, base, 0);
}

void Emitter::store(uint8_t base, uint8_t source) {
  rex(true, source, 0, base);
  byte(0x89);
  memory(source, base, 0);
}

void Emitter::store_immediate(uint8_t base, int32_t immediate) {
  rex(true, 0, 0, base);
  byte(0xc7);
  memory(0, base, 0);
  value(immediate);
}

void Emitter::test_context_byte(int32_t field, uint8_t mask) {
  context_operand(0xf6, 0, field, false);
  byte(mask);
}

void Emitter::bytes_to_page_end(uint8_t destination, uint8_t source) {
  constexpr uint32_t kAllButOffset = 0xfffff000;
  move(destination, source);
  registers(0x81, 1, destination, true);  // or
  value(kAllButOffset);
  registers(0xf7, 3, destination, true);  // neg
}

void Emitter::minimum(uint8_t destination, uint8_t other) {
  compare_registers(other, destination);
  rex(true, destination, 0, other);  // cmovb
  raw({0x0f, 0x42, static_cast<uint8_t>(0xc0 | (destination & 7) << 3 | (other & 7))});
}

uint64_t Emitter::jump_if_rcx_zero() {
  raw({0xe3, 2, 0xeb, 5, 0xe9});  // jrcxz has a short displacement only
  uint64_t relative = here();
  value(uint32_t{0});
  return relative;
}

void Emitter::jump_if_rcx_not_zero(uint64_t target) {
  raw({0xe3, 5});
  jump(target);
}

void Emitter::set_target(uint64_t relative_address, uint64_t target) {
  auto displacement = static_cast<uint32_t>(target - (relative_address + 4));
  std::memcpy(bytes_->data() + (relative_address - address_), &displacement, sizeof(displacement));
}

void Emitter::expression(uint8_t opcode, uint8_t reg, const MemoryExpression& address) {
  constexpr uint8_t kNone = MemoryExpression::kNone, kSibFollows = 4, kNoIndex = 4, kNoBase = 5;
  bool based = address.base != kNone, indexed = address.index != kNone;
  rex(true, reg, indexed ? address.index : 0, based ? address.base : 0);
  bool small = address.displacement == static_cast<int8_t>(address.displacement);
  uint8_t mode = !based ? 0 : address.displacement == 0 && (address.base & 7) != kNoBase ? 0 : small ? 1 : 2;
  auto scale_and_index =
      static_cast<uint8_t>(address.scale_shift << 6 | (indexed ? address.index & 7 : kNoIndex) << 3);
  raw({opcode, static_cast<uint8_t>(mode << 6 | (reg & 7) << 3 | kSibFollows),
       static_cast<uint8_t>(scale_and_index | (based ? address.base & 7 : kNoBase))});
  if (mode == 1) byte(static_cast<uint8_t>(address.displacement));
  if (mode == 2 || !based) value(address.displacement);
}

void Emitter::store_immediate(const MemoryExpression& address, int32_t immediate) {
  expression(0xc7, 0, address);
  value(immediate);
}

void Emitter::rotate_right(uint8_t destination, uint8_t source, uint8_t count) {
  auto extensions = static_cast<uint8_t>((destination < 8 ? 0x80 : 0) | 0x40 | (source < 8 ? 0x20 : 0) | 3);
  raw({0xc4, extensions, 0xfb, 0xf0, static_cast<uint8_t>(0xc0 | (destination & 7) << 3 | (source & 7)),
       count});
}

void Emitter::compare_context32(uint8_t left, int32_t field) { context_operand(0x3b, left, field, false); }

void Emitter::compare_context_word(int32_t field, uint32_t immediate) {
  context_operand(0x81, 7, field, false);
  value(immediate);
}

void Emitter::jump(uint64_t target) {
  byte(0xe9);
  value(static_cast<uint32_t>(target - (here() + 4)));
}

void Emitter::jump_if(Condition condition, uint64_t target) {
  raw({0x0f, static_cast<uint8_t>(0x80 | static_cast<uint8_t>(condition))});
  value(static_cast<uint32_t>(target - (here() + 4)));
}

}  // namespace cumulet::hypervisor
