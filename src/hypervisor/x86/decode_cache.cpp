// Forms of instructions, and what a displacement or an immediate changes in a decoded one.
#include "hypervisor/x86/decode_cache.h"

#include <algorithm>
#include <array>

namespace cumulet::hypervisor {

namespace {
constexpr size_t kLongestInstruction = 15;
constexpr size_t kLongestForm = 7;
constexpr uint8_t kTwoByte = 0x0f, kThreeByte38 = 0x38, kThreeByte3a = 0x3a, k3dNow = 0x0f;
constexpr uint8_t kVex3 = 0xc4, kVex2 = 0xc5, kEvex = 0x62, kXop = 0x8f, kVzero = 0x77;

using OpcodeSet = std::array<bool, 256>;

constexpr void add(OpcodeSet& set, unsigned first, unsigned last) {
  for (unsigned opcode = first; opcode <= last; ++opcode) set[opcode] = true;
}

// Opcodes that have no ModRM (SDM volume 2, appendix A). All others are taken to have one, and a SIB: that is
// one form too many for each byte that follows, never a wrong one.
constexpr OpcodeSet kOneByteAlone = [] {
  OpcodeSet set{};
  for (unsigned row = 0; row < 0x40; row += 8) add(set, row + 4, row + 5);
  add(set, 0x50, 0x5f);
  for (unsigned opcode : {0x68, 0x6a, 0xa8, 0xa9, 0xc2, 0xc3, 0xc9, 0xcc, 0xe8, 0xe9, 0xeb, 0xf4, 0xf5})
    set[opcode] = true;
  add(set, 0x70, 0x7f);
  add(set, 0x90, 0x99);
  add(set, 0x9b, 0x9f);
  add(set, 0xa4, 0xa7);
  add(set, 0xaa, 0xbf);
  add(set, 0xe0, 0xe3);
  add(set, 0xf8, 0xfd);
  return set;
}();
constexpr OpcodeSet kTwoByteAlone = [] {
  OpcodeSet set{};
  for (unsigned opcode : {0x05, 0x0b, 0x31, 0xa2}) set[opcode] = true;
  add(set, 0x80, 0x8f);
  add(set, 0xc8, 0xcf);
  return set;
}();
constexpr OpcodeSet kPrefixes = [] {
  OpcodeSet set{};
  for (unsigned prefix : {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3})
    set[prefix] = true;
  return set;
}();

// The size of a form's bytes without ModRM and SIB, and whether those follow; 0 if forms do not say it all.
struct Opcode {
  size_t end = 0;
  bool alone = false;
};

Opcode find_opcode(ByteView bytes) {
  size_t at = 0;
  while (at < kLongestForm && kPrefixes[bytes[at]]) ++at;
  if ((bytes[at] & 0xf0) == 0x40) ++at;
  uint8_t opcode = bytes[at];
  if (kPrefixes[opcode] || (opcode & 0xf0) == 0x40) return {};  // more prefixes, which undo a REX
  if (opcode == kEvex || opcode == kXop) return {};
  if (opcode == kVex2) return {at + 3, bytes[at + 2] == kVzero};
  if (opcode == kVex3) {
    uint8_t map = bytes[at + 1] & 0x1f;
    if (map != 1 && map != 2) return {};  // in map 3, registers hide in immediates
    return {at + 4, map == 1 && bytes[at + 3] == kVzero};
  }
  if (opcode != kTwoByte) {
    // Shifts by 0 leave flags alone.
    bool shift = opcode == 0xc0 || opcode == 0xc1;
    return shift ? Opcode{} : Opcode{at + 1, kOneByteAlone[opcode]};
  }
  opcode = bytes[at + 1];
  if (opcode == k3dNow || opcode == 0xa4 || opcode == 0xac) return {};  // shld, shrd
  if (opcode == kThreeByte38 || opcode == kThreeByte3a) return {at + 3, false};
  return {at + 2, kTwoByteAlone[opcode]};
}

int64_t signed_immediate(const DecodedInstruction& instruction, bool byte) {
  ByteView bytes(instruction.bytes);
  if (byte) return static_cast<int8_t>(bytes[instruction.length - 1]);
  return static_cast<int32_t>(load_le<uint32_t>(bytes, instruction.length - 4));
}
}  // namespace

DecodeCache::DecodeCache() : entries_(std::make_unique<Entry[]>(size_t{1} << kEntryBits)) {}

uint64_t DecodeCache::form_of(ByteView bytes) {
  Opcode opcode = find_opcode(bytes);
  size_t size = opcode.end;
  if (size == 0 || size > kLongestForm) return 0;
  if (!opcode.alone) {
    uint8_t modrm = bytes[size++];
    if (modrm >> 6 != 3 && (modrm & 7) == 4) ++size;
  }
  if (size > kLongestForm) return 0;
  return (load_le<uint64_t>(bytes, 0) & ((uint64_t{1} << size * 8) - 1)) | uint64_t{size} << 56;
}

DecodedInstruction DecodeCache::decode(ByteView bytes, uint64_t rip) {
  uint64_t form = bytes.size() < kLongestInstruction ? 0 : form_of(bytes);
  if (form == 0) return decode_64bit(bytes, rip);
  Entry& entry = entry_of(form);
  if (entry.form != form) {
    DecodedInstruction decoded = decode_64bit(bytes, rip);
    if (decoded.length != 0) entry = {form, decoded, is_plain(decoded)};
    return decoded;
  }
  DecodedInstruction out = entry.decoded;
  fill_in(out, bytes, rip);
  return out;
}

const DecodedInstruction* DecodeCache::plain(ByteView bytes) const {
  uint64_t form = bytes.size() < kLongestInstruction ? 0 : form_of(bytes);
  const Entry& entry = entry_of(form);
  return form != 0 && entry.form == form && entry.plain ? &entry.decoded : nullptr;
}

// A list of the frequent ones: add to cmp, imul, movsxd, test, mov, lea, and shifts by constants.
bool DecodeCache::is_plain(const DecodedInstruction& instruction) {
  if (instruction.kind != InstructionKind::kCopy || instruction.memory.size != 0 ||
      instruction.vex_size != 0 || instruction.state != ExtendedState::kNone)
    return false;
  uint8_t opcode = instruction.bytes[instruction.opcode_offset];
  if (opcode < 0x40) return opcode != kTwoByte;
  switch (opcode) {
    case 0x63:
    case 0x69:
    case 0x6b:
    case 0x81:
    case 0x83:
    case 0x84:
    case 0x85:
    case 0x89:
    case 0x8b:
    case 0x8d:
    case 0xc1:
    case 0xd1: return true;
    default: return (opcode & 0xf8) == 0xb8;  // mov register, immediate
  }
}

void DecodeCache::fill_in(DecodedInstruction& out, ByteView bytes, uint64_t rip) {
  out.bytes = {};
  std::copy_n(bytes.begin(), out.length, out.bytes.begin());
  uint64_t next = rip + out.length;
  if (out.memory.rip_relative) {
    auto displacement = static_cast<int32_t>(load_le<uint32_t>(bytes, out.operand_end - 4));
    out.target = next + static_cast<uint64_t>(int64_t{displacement});
    if (out.kind == InstructionKind::kRipAddress && out.operand_size == 4) out.target &= 0xffffffff;
  }
  uint8_t opcode = out.bytes[out.opcode_offset];
  switch (out.kind) {
    case InstructionKind::kJump:
    case InstructionKind::kJumpConditional:
    case InstructionKind::kCall: {
      bool byte = opcode == 0xeb || (opcode & 0xf0) == 0x70 || (opcode & 0xfc) == 0xe0;
      out.target = next + static_cast<uint64_t>(signed_immediate(out, byte));
      break;
    }
    case InstructionKind::kPushImmediate: out.immediate = signed_immediate(out, opcode == 0x6a); break;
    case InstructionKind::kReturn:
      if (opcode == 0xc2) out.immediate = load_le<uint16_t>(bytes, out.length - 2U);
      break;
    default: break;
  }
}

}  // namespace cumulet::hypervisor
