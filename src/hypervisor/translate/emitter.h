// Emitter: the few host instruction forms that translation adds around guest instructions.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

#include "base/bytes.h"
#include "base/check.h"
#include "hypervisor/x86/memory_expression.h"

namespace cumulet::hypervisor {

// Condition codes as in jcc's opcode (SDM volume 1, table B-1).
enum class Condition : uint8_t { kBelow = 2, kEqual = 4, kNotEqual = 5, kAbove = 7 };

// Writes machine code into a buffer that will be placed at `address`. Registers are hardware numbers;
// "context" operands are displacements from the GS base (Context). Instructions marked (flags) change the
// arithmetic flags, no other does. Not thread-safe.
class Emitter {
 public:
  // Starts over for code that will be placed at `address`.
  void start(uint64_t address) {
    address_ = address;
    size_ = 0;
  }
  [[nodiscard]] uint64_t here() const { return address_ + size_; }
  [[nodiscard]] ByteView bytes() const { return ByteView(*bytes_).first(size_); }

  void raw(ByteView bytes) { std::memcpy(grow(bytes.size()), bytes.data(), bytes.size()); }
  template <typename T>
  void value(const T& object) {
    static_assert(std::has_unique_object_representations_v<T>, "padding would be whatever was there before");
    std::memcpy(grow(sizeof(T)), &object, sizeof(T));
  }
  // Pads with nops (or, in data, whatever) until here() + `ahead` is a multiple of `alignment`.
  void align(uint32_t alignment, uint32_t ahead = 0);

  void store_context(int32_t field, uint8_t source) { context_operand(0x89, source, field, true); }
  void store_context32(int32_t field, uint8_t source) { context_operand(0x89, source, field, false); }
  void load_context(uint8_t destination, int32_t field) { context_operand(0x8b, destination, field, true); }
  void load_context32(uint8_t destination, int32_t field) {
    context_operand(0x8b, destination, field, false);
  }
  void load_context16(uint8_t destination, int32_t field);      // zero-extended
  void load_context_low16(uint8_t destination, int32_t field);  // the rest stays
  void store_context_immediate32(int32_t field, uint32_t value);
  void store_context_immediate64(int32_t field, uint64_t value);
  void and_context_byte(int32_t field, uint8_t mask);            // (flags)
  void or_context_byte(int32_t field, uint8_t mask);             // (flags)
  void compare_context_byte(int32_t field, uint8_t value);       // (flags)
  void compare_context(int32_t field, int32_t value);            // (flags) 64 bits, value sign-extended
  void compare_context_register(int32_t field, uint8_t source);  // (flags)
  void add_context(uint8_t destination, int32_t field);          // (flags)
  void jump_context(int32_t field);
  void jump_indexed(uint8_t index, int32_t table);  // jmp gs:[index * 8 + table]

  // op register, gs:[index + field], 64 bits
  void load_indexed(uint8_t destination, uint8_t index, int32_t field) {
    indexed(0x8b, destination, index, field);
  }
  void subtract_indexed(uint8_t destination, uint8_t index, int32_t field) {
    indexed(0x2b, destination, index, field);
  }
  void add_indexed(uint8_t destination, uint8_t index, int32_t field) {
    indexed(0x03, destination, index, field);
  }
  void compare_indexed(uint8_t source, uint8_t index, int32_t field) { indexed(0x3b, source, index, field); }

  void move(uint8_t destination, uint8_t source) { registers(0x89, source, destination, true); }
  void exchange(uint8_t one, uint8_t other) { registers(0x87, one, other, true); }
  void move32(uint8_t destination, uint8_t source) { registers(0x89, source, destination, false); }
  void sign_extend32(uint8_t destination, uint8_t source) { registers(0x63, destination, source, true); }
  void xor32(uint8_t destination, uint8_t source) { registers(0x31, source, destination, false); }  // (flags)
  void or64(uint8_t destination, uint8_t source) { registers(0x09, source, destination, true); }    // (flags)
  void complement(uint8_t destination) { registers(0xf7, 2, destination, true); }
  void subtract(uint8_t destination, uint8_t source) {
    registers(0x29, source, destination, true);
  }  // (flags)
  void move_immediate(uint8_t destination, uint64_t value);
  void and32(uint8_t destination, uint32_t mask);                   // (flags)
  void compare(uint8_t left, int32_t right);                        // (flags) 64 bits
  void shift_left(uint8_t destination, uint8_t count, bool wide);   // (flags)
  void shift_right(uint8_t destination, uint8_t count, bool wide);  // (flags)
  void shift_right_arithmetic(uint8_t destination, uint8_t count);  // (flags) 64 bits

  void lea(uint8_t destination, uint8_t base, int32_t displacement);
  void zero_extend16(uint8_t destination, uint8_t source);
  void jump_if_rcx_zero(uint8_t bytes);  // over so many bytes
  void lea_sum(uint8_t destination, uint8_t base, uint8_t index, uint8_t scale_shift);
  void load(uint8_t destination, uint8_t base);  // 64 bits
  void load32(uint8_t destination, uint8_t base);
  void store(uint8_t base, uint8_t source);
  void store_immediate(uint8_t base, int32_t value);  // 64 bits, sign-extended

  // Operands as memory expressions; 64 bits.
  void lea(uint8_t destination, const MemoryExpression& address) { expression(0x8d, destination, address); }
  void load(uint8_t destination, const MemoryExpression& address) { expression(0x8b, destination, address); }
  void store(const MemoryExpression& address, uint8_t source) { expression(0x89, source, address); }
  void store_immediate(const MemoryExpression& address, int32_t value);   // sign-extended
  void rotate_right(uint8_t destination, uint8_t source, uint8_t count);  // rorx (BMI2)
  void compare_context32(uint8_t left, int32_t field);                    // (flags)
  void test32(uint8_t left) { registers(0x85, left, left, false); }       // (flags)
  void compare_context_word(int32_t field, uint32_t value);               // (flags) 32 bits

  void jump(uint64_t target);
  void jump_if(Condition condition, uint64_t target);

  void test_context_byte(int32_t field, uint8_t mask);                                           // (flags)
  void add(uint8_t destination, uint8_t source) { registers(0x01, source, destination, true); }  // (flags)
  // destination = the bytes from address `source` to the end of its page, 1 to 4096. (flags)
  void bytes_to_page_end(uint8_t destination, uint8_t source);
  void minimum(uint8_t destination, uint8_t other);  // (flags) unsigned, 64 bits
  void compare_registers(uint8_t left, uint8_t right) { registers(0x39, right, left, true); }  // (flags)
  // Jumps if rcx is 0, or is not; return the address of the rel32, for set_target().
  uint64_t jump_if_rcx_zero();
  void jump_if_rcx_not_zero(uint64_t target);
  // Makes the jump with this rel32 go to `target`. Precondition: start() came before it.
  void set_target(uint64_t relative_address, uint64_t target);

  // Keeps the arithmetic flags in rax, and brings them back. lahf; seto al / add al, 127; sahf
  void flags_to_rax() { raw(std::initializer_list<uint8_t>{0x9f, 0x0f, 0x90, 0xc0}); }
  void flags_from_rax() { raw(std::initializer_list<uint8_t>{0x04, 0x7f, 0x9e}); }

 private:
  // More than any block takes.
  static constexpr size_t kCapacity = 128 << 10;

  uint8_t* grow(size_t size) {
    CHECK(size <= kCapacity - size_);
    uint8_t* at = bytes_->data() + size_;
    size_ += size;
    return at;
  }
  void raw(std::initializer_list<uint8_t> bytes) {
    uint8_t* at = grow(bytes.size());
    for (uint8_t value : bytes) *at++ = value;
  }
  void byte(uint8_t value) { *grow(1) = value; }
  void rex(bool wide, uint8_t reg, uint8_t index, uint8_t base, bool always = false);
  void context_operand(uint8_t opcode, uint8_t reg, int32_t field, bool wide);
  void indexed(uint8_t opcode, uint8_t reg, uint8_t index, int32_t field);
  void registers(uint8_t opcode, uint8_t reg, uint8_t rm, bool wide);
  void memory(uint8_t reg, uint8_t base, int32_t displacement);
  void expression(uint8_t opcode, uint8_t reg, const MemoryExpression& address);

  uint64_t address_ = 0;
  size_t size_ = 0;
  std::unique_ptr<std::array<uint8_t, kCapacity>> bytes_ = std::make_unique<std::array<uint8_t, kCapacity>>();
};

}  // namespace cumulet::hypervisor
