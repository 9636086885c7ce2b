// The bytes of a stored block (docs/formats/translation-cache.md), for those who write and read them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hypervisor/translate/block.h"
#include "hypervisor/translate/code_relocation.h"

namespace cumulet::hypervisor::stored_block {

// The header; offsets of its fields. Counts are of 16 bits; what they count follows in their order.
inline constexpr size_t kRip = 0, kPageOffset = 8, kMode = 10, kFlags = 11, kEntryOffset = 12;
inline constexpr size_t kGuestSize = 14, kHotSize = 16, kColdSize = 18, kRecordCount = 20, kLinkCount = 22;
inline constexpr size_t kPollCount = 24, kFieldCount = 26, kIndirectEntry = 28;
inline constexpr size_t kHeaderSize = 32;

inline constexpr size_t kRecordSize = 8, kLinkSize = 24, kPollSize = 8, kFieldSize = 4;
inline constexpr size_t kLinkTarget = 0, kLinkRelative = 8, kLinkLeave = 12, kLinkSlot = 16, kLinkMode = 20;

// A place in the code: the offset in its hot code, or with this bit in its cold code.
inline constexpr uint32_t kInCold = uint32_t{1} << 31;
inline constexpr uint32_t kNoAddress = ~uint32_t{0};
inline constexpr uint32_t kPollBytes = 8;  // of host code

inline uint32_t pack(const CodeField& field) {
  return field.offset | (field.in_cold ? 1U << 26 : 0) | uint32_t{field.kind} << 27;
}
inline CodeField unpack_field(uint32_t packed) {
  return {packed & 0x3ffffff, (packed & 1U << 26) != 0, static_cast<uint8_t>(packed >> 27)};
}

inline uint64_t pack(const InstructionRecord& record) {
  return uint64_t{record.host_offset} | uint64_t{record.guest_offset} << 32 | uint64_t{record.address} << 48 |
         uint64_t{record.index} << 52 | uint64_t{record.scratch_spilled} << 56 |
         uint64_t{record.rax_spilled} << 57 | uint64_t{record.rebased} << 58;
}
inline InstructionRecord unpack_record(uint64_t packed) {
  InstructionRecord record;
  record.host_offset = static_cast<uint16_t>(packed);
  record.guest_offset = (packed >> 32) & 0x3fff;
  record.address = packed >> 48 & 0xf;
  record.index = packed >> 52 & 0xf;
  record.scratch_spilled = packed >> 56 & 1;
  record.rax_spilled = packed >> 57 & 1;
  record.rebased = packed >> 58 & 3;
  return record;
}

}  // namespace cumulet::hypervisor::stored_block
