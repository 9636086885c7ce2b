// How random instructions are drawn.
#include "generator.h"

#include <Zydis/Zydis.h>
#include <algorithm>
#include <cstring>
#include <fmt/format.h>

#include "selection.h"

namespace cumulet::differential {

namespace {

constexpr uint8_t kStackPointer = 4;
// Registers that point into the data area at the start: rbx, rsi, rdi, r13.
constexpr uint8_t kPointers[] = {3, 6, 7, 13};
constexpr unsigned kTriesPerInstruction = 400;
constexpr size_t kAvxEnd = 832;

const ZydisDecoder& decoder() {
  static const ZydisDecoder kDecoder = [] {
    ZydisDecoder made;
    ZydisDecoderInit(&made, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return made;
  }();
  return kDecoder;
}

}  // namespace

uint64_t Generator::interesting_value() {
  switch (below(6)) {
    case 0: return below(4);
    case 1: return ~below(4);
    case 2: return uint64_t{1} << below(64);
    case 3: return static_cast<uint32_t>(random_());
    case 4: return kDataBase + below(kAreaSize);
    default: return random_();
  }
}

void Generator::draw_registers(Registers& registers) {
  for (uint64_t& value : registers.gpr) value = interesting_value();
  // Mostly in the middle of the area; at times near the page boundary inside it, or near its end.
  auto place = [this](uint64_t base) {
    switch (below(8)) {
      case 0: return base + kPageSize - below(64);
      case 1: return base + kAreaSize - below(128);
      default: return base + 512 + below(kAreaSize - 1024);
    }
  };
  for (uint8_t pointer : kPointers)  // at times to code, which can be read and not written
    registers.gpr[pointer] = chance(2) ? kCodeBase + below(kAreaSize) : place(kDataBase);
  if (chance(50)) registers.gpr[1] = chance(80) ? below(16) : below(kAreaSize);  // rcx: repeats that end
  registers.gpr[kStackPointer] = (chance(90) ? place(kStackBase) & ~uint64_t{7} : place(kStackBase));
  registers.rflags = 0x202 | (random_() & 0x8d5) | (chance(5) ? 0x400 : 0);
  for (size_t i = 0; i < kAvxEnd; ++i) registers.vector[i] = static_cast<uint8_t>(random_());
  draw_wide_registers(registers.vector);
  for (size_t i = 0; i < 16;
       ++i) {  // some registers hold ordinary numbers, so that arithmetic is not all NaN
    double number = static_cast<double>(static_cast<int64_t>(random_())) / (uint64_t{1} << below(63));
    if (chance(60)) std::memcpy(registers.vector.data() + 160 + i * 16, &number, sizeof(number));
  }
  std::memset(registers.vector.data(), 0, 32);
  std::memset(registers.vector.data() + 416, 0, 160);
  registers.vector[0] = chance(90) ? 0x7f : 0x40 | static_cast<uint8_t>(below(64));  // FCW: exceptions masked
  registers.vector[1] = static_cast<uint8_t>(below(4) << 2 | (chance(90) ? 3 : 2));
  registers.vector[4] = static_cast<uint8_t>(random_());      // abridged tag word
  registers.vector[3] = static_cast<uint8_t>(below(8) << 3);  // TOP
  if (chance(6)) {  // earlier x87 exceptions: those not masked wait for the next x87 or MMX instruction
    registers.vector[0] = 0x40 | static_cast<uint8_t>(below(64));
    registers.vector[2] = static_cast<uint8_t>(random_());
  }
  uint32_t mxcsr = chance(90) ? 0x1f80 : 0x1f80 & static_cast<uint32_t>(random_());
  mxcsr |= static_cast<uint32_t>(below(4) << 13) | (chance(10) ? 0x8040 : 0);
  std::memcpy(registers.vector.data() + 24, &mxcsr, sizeof(mxcsr));
  for (size_t i = 0; i < 8; ++i)  // the upper 48 bits of each 16-byte x87 slot do not exist
    std::memset(registers.vector.data() + 32 + i * 16 + 10, 0, 6);
}

// Appends ModRM, SIB, displacement and immediate bytes; the decoder takes what it needs.
void Generator::draw_operands(std::vector<uint8_t>& bytes) {
  auto modrm = static_cast<uint8_t>(random_());
  if (chance(55)) {
    bytes.push_back(modrm | 0xc0);
  } else if (chance(12)) {  // RIP-relative, aimed at the data area from somewhere in the code area
    bytes.push_back((modrm & 0x38) | 5);
    auto displacement = static_cast<uint32_t>(kDataBase - kCodeBase + below(kPageSize));
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(displacement >> (8 * i)));
  } else {
    uint8_t base = kPointers[below(4)] & 7;
    auto mode = static_cast<uint8_t>(below(3) << 6);
    if (base == 5 && mode == 0) mode = 0x40;
    bool with_index = chance(25);
    bytes.push_back(mode | (modrm & 0x38) | (with_index ? 4 : base));
    if (with_index) bytes.push_back(static_cast<uint8_t>(below(4) << 6 | (chance(50) ? 4 : 1) << 3 | base));
    if (mode == 0x40) bytes.push_back(static_cast<uint8_t>(random_()));
    if (mode == 0x80) {
      uint32_t displacement = static_cast<uint32_t>(below(256)) - 128;
      for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(displacement >> (8 * i)));
    }
  }
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<uint8_t>(random_()));
}

std::vector<uint8_t> Generator::draw_bytes() {
  std::vector<uint8_t> bytes;
  if (chance(30)) {  // VEX
    auto map = static_cast<uint8_t>(1 + below(3));
    auto flags = static_cast<uint8_t>(random_());
    if (map == 1 && chance(30)) {
      bytes = {0xc5, flags};
    } else {
      bytes = {0xc4, static_cast<uint8_t>((random_() & 0xc0) | 0x20 | map), flags};
    }
    bytes.push_back(static_cast<uint8_t>(random_()));
  } else {
    static constexpr uint8_t kPrefixes[] = {0x66, 0xf2, 0xf3, 0xf0, 0x65, 0x67};
    if (chance(35)) bytes.push_back(kPrefixes[below(chance(80) ? 3 : 6)]);
    if (chance(50)) bytes.push_back(static_cast<uint8_t>(0x40 | below(16)));
    switch (below(6)) {
      case 0:
      case 1: break;
      case 2: bytes.insert(bytes.end(), {0x0f, 0x38}); break;
      case 3: bytes.insert(bytes.end(), {0x0f, 0x3a}); break;
      default: bytes.push_back(0x0f); break;
    }
    bytes.push_back(chance(8) && bytes.empty() ? static_cast<uint8_t>(0xd8 + below(8))
                                               : static_cast<uint8_t>(random_()));
  }
  draw_operands(bytes);
  return bytes;
}

// movs or stos with a repeat prefix, of any size.
std::vector<uint8_t> Generator::draw_repeated() {
  std::vector<uint8_t> bytes = {0xf3};
  if (chance(20)) bytes.push_back(0x66);
  if (chance(40)) bytes.push_back(0x48);
  bytes.push_back(static_cast<uint8_t>((chance(50) ? 0xa4 : 0xaa) | below(2)));
  return bytes;
}

void Generator::append_instruction(Start& start, bool last) {
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  for (unsigned attempt = 0; attempt < kTriesPerInstruction; ++attempt) {
    // None of the wide ones takes part on a host without.
    std::vector<uint8_t> bytes = chance(3)               ? draw_repeated()
                                 : chance(wide_percent_) ? draw_wide()
                                                         : draw_bytes();
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder(), bytes.data(), bytes.size(), &instruction, operands)))
      continue;
    if (!takes_part(instruction, operands)) continue;
    if (!last && chance(12)) {  // a conditional jump over it: both ways end at the next instruction
      start.code.push_back(static_cast<uint8_t>(0x70 + below(16)));
      start.code.push_back(instruction.length);
    }
    start.code.insert(start.code.end(), bytes.begin(), bytes.begin() + instruction.length);
    return;
  }
  start.code.push_back(0x90);
}

Start Generator::next(unsigned most_instructions) {
  Start start;
  draw_registers(start.registers);
  for (uint8_t& byte : start.data) byte = static_cast<uint8_t>(random_());
  for (uint8_t& byte : start.stack) byte = static_cast<uint8_t>(random_());
  auto count = static_cast<unsigned>(1 + below(most_instructions));
  for (unsigned i = 0; i < count; ++i) append_instruction(start, i + 1 == count);
  start.code.push_back(kEndOfSequence);
  // At times the sequence runs across the boundary between the two code pages.
  uint64_t room = kPageSize - 1 - std::min<uint64_t>(start.code.size(), kPageSize - 1);
  start.registers.rip =
      kCodeBase + (chance(20) ? kPageSize - below(std::min<uint64_t>(start.code.size(), 64)) : below(room));
  return start;
}

std::string disassemble(const Start& start) {
  ZydisFormatter formatter;
  ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  std::string text;
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  for (size_t at = 0; at < start.code.size();) {
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder(), start.code.data() + at, start.code.size() - at,
                                             &instruction, operands)))
      break;
    char line[128];
    ZydisFormatterFormatInstruction(&formatter, &instruction, operands, instruction.operand_count_visible,
                                    line, sizeof(line), start.registers.rip + at, nullptr);
    text += fmt::format("  {:#x}:", start.registers.rip + at);
    for (unsigned i = 0; i < instruction.length; ++i) text += fmt::format(" {:02x}", start.code[at + i]);
    text += fmt::format("  {}\n", line);
    at += instruction.length;
  }
  return text;
}

}  // namespace cumulet::differential
