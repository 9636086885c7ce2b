// Builds the memory map from the RAM regions.
#include "hypervisor/boot/memory_map.h"

#include <algorithm>

namespace cumulet::hypervisor {

MemoryMap describe_memory(const GuestMemory& memory, const MemoryMap& reserved) {
  MemoryMap map = reserved;
  for (const MemoryRegion& region : memory.regions()) {
    GuestAddress end = region.address + region.size;
    if (region.address >= kHighMemoryStart) {
      map.push_back({region.address, region.size, MemoryType::kUsable});
      continue;
    }
    GuestAddress low_end = std::min(end, kConventionalMemoryEnd);
    if (region.address < low_end)
      map.push_back({region.address, low_end - region.address, MemoryType::kUsable});
    if (end > kHighMemoryStart)
      map.push_back({kHighMemoryStart, end - kHighMemoryStart, MemoryType::kUsable});
    map.push_back({kConventionalMemoryEnd, kHighMemoryStart - kConventionalMemoryEnd, MemoryType::kReserved});
  }
  std::sort(map.begin(), map.end(),
            [](const MemoryMapEntry& a, const MemoryMapEntry& b) { return a.address < b.address; });
  return map;
}

}  // namespace cumulet::hypervisor
