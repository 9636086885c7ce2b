// ModRM, SIB and the register extension bits of REX and VEX (SDM volume 2, 2.1.5, 2.2.1 and 2.3.5).
#include "hypervisor/x86/memory_expression.h"

#include "base/bytes.h"
#include "base/check.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint8_t kRsp = 4, kRbp = 5;
constexpr uint8_t kRexB = 1, kRexX = 2;
constexpr uint8_t kTwoByteVex = 0xc5, kThreeByteVex = 0xc4, kEvexSize = 4;

bool has_rex(const DecodedInstruction& instruction) {
  return instruction.vex_size == 0 && instruction.opcode_offset > 0 &&
         (instruction.bytes[instruction.opcode_offset - 1] & 0xf0) == 0x40 &&
         instruction.rex_offset == instruction.opcode_offset - 1;
}

// The X and B bits, as in REX.
uint8_t extension_bits(const DecodedInstruction& instruction) {
  if (instruction.vex_size >= 3)
    return static_cast<uint8_t>(~instruction.bytes[instruction.vex_offset + 1] >> 5) & (kRexX | kRexB);
  return has_rex(instruction) ? instruction.bytes[instruction.rex_offset] & (kRexX | kRexB) : 0;
}

// Whether ModRM's reg field may name ah, ch, dh or bh: byte registers 4 to 7 of an instruction without REX.
bool may_name_high_byte(const DecodedInstruction& instruction) {
  if ((instruction.bytes[instruction.modrm_offset] & 0x20) == 0 || instruction.operand_size != 1)
    return false;
  if (instruction.modrm_offset != instruction.opcode_offset + 1) return true;
  switch (instruction.bytes[instruction.opcode_offset]) {
    case 0x80:  // these use the field as part of the opcode
    case 0xc0:
    case 0xc6:
    case 0xd0:
    case 0xd2:
    case 0xf6:
    case 0xfe: return false;
    default: return true;
  }
}

// Prefixes, REX or VEX with these X and B bits, and the opcode. False: it cannot be encoded.
bool append_opcode(const DecodedInstruction& instruction, uint8_t extension, EncodedBytes& out) {
  const auto& bytes = instruction.bytes;
  bool rex = has_rex(instruction);
  uint8_t prefixes_end = instruction.vex_size != 0 ? instruction.vex_offset
                         : rex                     ? instruction.rex_offset
                                                   : instruction.opcode_offset;
  for (uint8_t i = 0; i < prefixes_end; ++i)
    if (bytes[i] == 0x66 || bytes[i] == 0xf2 || bytes[i] == 0xf3 || bytes[i] == 0xf0) out.append(bytes[i]);
  if (instruction.vex_size == kEvexSize) {
    out.append(bytes[instruction.vex_offset]);
    out.append(static_cast<uint8_t>((bytes[instruction.vex_offset + 1] & 0x9f) | ((~extension & 3) << 5)));
    out.append(bytes[instruction.vex_offset + 2]);
    out.append(bytes[instruction.vex_offset + 3]);
  } else if (instruction.vex_size != 0) {
    bool short_form = instruction.vex_size == 2;
    uint8_t last = bytes[instruction.vex_offset + instruction.vex_size - 1];
    if (short_form && extension == 0) {
      out.append(kTwoByteVex);
    } else {
      constexpr uint8_t kMap0f = 1;
      uint8_t r_and_map = short_form ? static_cast<uint8_t>((last & 0x80) | kMap0f)
                                     : bytes[instruction.vex_offset + 1] & 0x9f;
      out.append(kThreeByteVex);
      out.append(static_cast<uint8_t>(r_and_map | ((~extension & 3) << 5)));
      if (short_form) last &= 0x7f;  // there is no W
    }
    out.append(last);
  } else if (rex) {
    out.append(static_cast<uint8_t>((bytes[instruction.rex_offset] & ~(kRexX | kRexB)) | extension));
  } else if (extension != 0) {
    if (may_name_high_byte(instruction)) return false;
    out.append(0x40 | extension);
  }
  for (uint8_t i = instruction.opcode_offset; i < instruction.modrm_offset; ++i) out.append(bytes[i]);
  return true;
}
}  // namespace

uint64_t MemoryExpression::evaluate(const std::array<uint64_t, 16>& registers) const {
  auto address = static_cast<uint64_t>(int64_t{displacement});
  if (base != kNone) address += registers[base];
  if (index != kNone) address += registers[index] << scale_shift;
  return address;
}

MemoryExpression memory_expression(const DecodedInstruction& instruction) {
  CHECK(instruction.modrm_offset != 0 && !instruction.memory.rip_relative);
  MemoryExpression out;
  const auto& bytes = instruction.bytes;
  uint8_t extension = extension_bits(instruction);
  uint8_t modrm = bytes[instruction.modrm_offset];
  uint8_t mode = modrm >> 6, rm = modrm & 7;
  uint8_t at = instruction.modrm_offset + 1;
  auto high = [](bool set) { return static_cast<uint8_t>(set ? 8 : 0); };
  bool base_is_displacement = rm == kRbp && mode == 0;
  if (rm == kRsp) {
    uint8_t sib = bytes[at++];
    auto index = static_cast<uint8_t>((sib >> 3 & 7) | high((extension & kRexX) != 0));
    if (index != kRsp) out.index = index, out.scale_shift = sib >> 6;
    rm = sib & 7;
    base_is_displacement = rm == kRbp && mode == 0;
  }
  if (!base_is_displacement) out.base = rm | high((extension & kRexB) != 0);
  uint8_t size = instruction.operand_end - at;
  CHECK(size == 0 || size == 1 || size == 4);
  if (size == 1)
    out.displacement = static_cast<int8_t>(bytes[at]) * (1 << instruction.memory.displacement_shift);
  if (size == 4) out.displacement = static_cast<int32_t>(load_le<uint32_t>(ByteView(bytes), at));
  return out;
}

std::optional<EncodedBytes> with_memory_expression(const DecodedInstruction& instruction,
                                                   const MemoryExpression& expression) {
  CHECK(instruction.modrm_offset != 0 && expression.base != MemoryExpression::kNone);
  bool indexed = expression.index != MemoryExpression::kNone;
  CHECK(!indexed || expression.index != kRsp);
  auto extension = static_cast<uint8_t>((expression.base >= 8 ? kRexB : 0) |
                                        (indexed && expression.index >= 8 ? kRexX : 0));
  EncodedBytes out;
  if (!append_opcode(instruction, extension, out)) return std::nullopt;
  // EVEX's 8-bit displacements count units, which are not worth finding out.
  bool small = instruction.vex_size != kEvexSize
                   ? expression.displacement == static_cast<int8_t>(expression.displacement)
                   : expression.displacement == 0;
  uint8_t base = expression.base & 7;
  bool sib = indexed || base == kRsp;
  uint8_t mode = expression.displacement == 0 && base != kRbp ? 0 : small ? 1 : 2;
  uint8_t reg = instruction.bytes[instruction.modrm_offset] & 0x38;
  out.append(static_cast<uint8_t>(mode << 6 | reg | (sib ? kRsp : base)));
  if (sib)
    out.append(static_cast<uint8_t>(expression.scale_shift << 6 |
                                    (indexed ? expression.index & 7 : kRsp) << 3 | base));
  for (int i = 0; i < (mode == 0 ? 0 : mode == 1 ? 1 : 4); ++i)
    out.append(static_cast<uint8_t>(static_cast<uint32_t>(expression.displacement) >> (8 * i)));
  for (uint8_t i = instruction.operand_end; i < instruction.length; ++i) out.append(instruction.bytes[i]);
  return out;
}

}  // namespace cumulet::hypervisor
