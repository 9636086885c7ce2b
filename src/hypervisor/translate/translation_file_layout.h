// The bytes of a translation file (docs/formats/translation-cache.md), for those who write and read it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace cumulet::hypervisor::translation_file {

inline constexpr const char* kName = "translations";
inline constexpr std::array<uint8_t, 8> kMagic = {'C', 'T', 'R', 'A', 'N', 'S', 'L', 'T'};
inline constexpr uint32_t kVersion = 1;

// The header; offsets of its fields.
inline constexpr size_t kVersionAt = 8, kGroupCount = 12, kBuild = 16, kBuildSize = 32, kProcessor = 48;
inline constexpr size_t kLayout = 56, kCodeCacheSize = 64, kTables = 72, kSlotCount = 80,
                        kTablesChecksum = 88;
inline constexpr size_t kHeaderChecksum = 96, kHeaderSize = 104;

// An entry of the table of groups, and one of the table of blocks.
inline constexpr size_t kGroupOffset = 0, kGroupChecksum = 8, kGroupSize = 16, kGroupAge = 20;
inline constexpr size_t kGroupEntrySize = 24;
inline constexpr size_t kSlotKey = 0, kSlotContent = 4, kSlotGroup = 8, kSlotPlace = 12;
inline constexpr size_t kSlotEntrySize = 16;
// The place: the offset in the group in its upper bits, the size of the guest code in the lower ones.
inline constexpr uint32_t kSlotSizeBits = 12, kMaxSlotSize = (1 << kSlotSizeBits) - 1;
inline constexpr uint32_t kNoGroup = ~uint32_t{0};  // an empty slot

inline constexpr uint32_t kMaxGroupSize = 1 << 20;
inline constexpr uint32_t kMaxGroups = 1 << 20, kMaxSlots = 1 << 23;
inline constexpr uint32_t kMaxProbes = 64;

// Where to look first: the key's lower half says it, the upper half is in the slot.
inline uint32_t first_slot(uint64_t key, uint32_t slot_count) {
  return static_cast<uint32_t>((key & 0xffffffff) * slot_count >> 32);
}

}  // namespace cumulet::hypervisor::translation_file
