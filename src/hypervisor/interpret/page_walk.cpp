// The page walker for all paging modes. Compiled with general registers only: translated code calls it while
// the vector registers hold guest state.
#include "hypervisor/interpret/page_walk.h"

#include "hypervisor/interpret/guest_ram_unsafe.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint8_t kPageFault = 14;

// Bits of a paging-structure entry (SDM volume 3, tables 4-5 to 4-20).
constexpr uint64_t kEntryPresent = 1 << 0, kEntryWrite = 1 << 1, kEntryUser = 1 << 2, kEntryAccessed = 1 << 5,
                   kEntryDirty = 1 << 6, kEntryLarge = 1 << 7, kEntryGlobal = 1 << 8,
                   kEntryNoExecute = uint64_t{1} << 63;

// Bits of a page fault's error code (SDM volume 3, 4.7).
constexpr uint32_t kErrorProtection = 1 << 0, kErrorWrite = 1 << 1, kErrorUser = 1 << 2,
                   kErrorReserved = 1 << 3, kErrorFetch = 1 << 4;

// A walk is repeated when another processor changes an entry under it; past this bound the guest gets a
// spurious fault instead, which software has to tolerate anyway.
constexpr int kMaxRetries = 4096;
constexpr int kMaxLevels = 4;

enum class Paging : uint8_t { kOff, k32Bit, kPae, k4Level };

Paging paging_mode(const CpuState& state) {
  if ((state.cr0 & cr0::kPg) == 0) return Paging::kOff;
  if ((state.msr.efer & efer::kLma) != 0) return Paging::k4Level;
  return (state.cr4 & cr4::kPae) != 0 ? Paging::kPae : Paging::k32Bit;
}

// One walk in progress: the entries it read, and the permissions combined so far.
struct Walk {
  Paging paging;
  uint64_t reserved_high;  // physical-address bits that this processor does not have
  bool no_execute_enabled;

  // Entries read, `levels` of them. Not cleared: with general registers only, that alone costs a quarter of a
  // walk.
  GuestAddress entry_address[kMaxLevels];
  uint64_t entry[kMaxLevels];
  int levels = 0;

  bool user = true, write = true, execute = true;
  uint64_t mapping_size = 0;  // bytes; 0 until the leaf is found
  GuestAddress mapping = 0;   // guest-physical address of the mapping
};

enum class WalkResult : uint8_t { kMapped, kNotPresent, kReserved };

uint64_t mask(unsigned bits) { return (uint64_t{1} << bits) - 1; }

uint64_t read_entry(const GuestMemory& memory, GuestAddress address, bool wide) {
  uint64_t value = ~uint64_t{0};
  if (wide) return ram_load(memory, address, value) ? value : ~uint64_t{0};
  uint32_t narrow = 0;
  return ram_load(memory, address, narrow) ? narrow : ~uint32_t{0};
}

// The two-level tables of 32-bit paging, with 4 MiB pages and PSE-36 (SDM volume 3, 4.3).
WalkResult walk_32bit(const Cpu& cpu, uint64_t linear, Walk& walk) {
  GuestAddress table = cpu.state.cr3 & 0xfffff000;
  for (unsigned shift = 22;; shift -= 10) {
    int level = walk.levels++;
    walk.entry_address[level] = table + ((linear >> shift) & 0x3ff) * 4;
    uint64_t entry = walk.entry[level] = read_entry(*cpu.memory, walk.entry_address[level], false);
    if ((entry & kEntryPresent) == 0) return WalkResult::kNotPresent;
    walk.user &= (entry & kEntryUser) != 0;
    walk.write &= (entry & kEntryWrite) != 0;
    if (shift == 22 && (entry & kEntryLarge) != 0 && (cpu.state.cr4 & cr4::kPse) != 0) {
      if ((entry & (1 << 21)) != 0) return WalkResult::kReserved;
      walk.mapping_size = uint64_t{1} << 22;
      walk.mapping = (entry & 0xffc00000) | ((entry >> 13 & 0xff) << 32);
      return (walk.mapping & walk.reserved_high) != 0 ? WalkResult::kReserved : WalkResult::kMapped;
    }
    table = entry & 0xfffff000;
    if (shift == 12) break;
  }
  walk.mapping_size = 4096;
  walk.mapping = table;
  return WalkResult::kMapped;
}

// The bits of an entry that must be zero, in PAE and 4-level paging (SDM volume 3, tables 4-8 to 4-20).
uint64_t reserved_bits(const Walk& walk, unsigned shift, bool leaf) {
  uint64_t bits = walk.reserved_high & mask(52);
  if (!walk.no_execute_enabled) bits |= kEntryNoExecute;
  if (walk.paging == Paging::kPae) {
    bits |= mask(63) & ~mask(52);
    if (shift == 30) return bits | kEntryNoExecute | 0x1e6;  // R/W, U/S and the flags do not exist in a PDPTE
  }
  if (shift == 39) bits |= kEntryLarge;
  if (leaf && shift > 12) bits |= mask(shift) & ~mask(13);
  return bits;
}

// The tables of 64-bit entries: PAE's three levels (SDM volume 3, 4.4) or four levels (4.5). PAE's top
// entries are read from memory at each walk, as AMD processors do.
WalkResult walk_wide(const Cpu& cpu, uint64_t linear, Walk& walk) {
  bool pae = walk.paging == Paging::kPae;
  GuestAddress table = pae ? cpu.state.cr3 & 0xffffffe0 : cpu.state.cr3 & mask(52) & ~uint64_t{0xfff};
  uint64_t in_all = ~uint64_t{0};  // bits set at every level
  uint64_t in_any = 0;             // bits set at some level
  for (unsigned shift = pae ? 30 : 39;; shift -= 9) {
    int level = walk.levels++;
    uint64_t index = (linear >> shift) & (pae && shift == 30 ? 3 : 0x1ff);
    uint64_t entry = read_entry(*cpu.memory, table + index * 8, true);
    walk.entry_address[level] = table + index * 8;
    walk.entry[level] = entry;
    if ((entry & kEntryPresent) == 0) return WalkResult::kNotPresent;
    bool top_of_pae = pae && shift == 30;
    bool leaf = shift == 12 || (!top_of_pae && shift <= 30 && (entry & kEntryLarge) != 0);
    if ((entry & reserved_bits(walk, shift, leaf)) != 0) return WalkResult::kReserved;
    if (!top_of_pae) {
      in_all &= entry;
      in_any |= entry;
    }
    table = entry & mask(52) & ~uint64_t{0xfff};
    if (!leaf) continue;
    walk.user = (in_all & kEntryUser) != 0;
    walk.write = (in_all & kEntryWrite) != 0;
    walk.execute = (in_any & kEntryNoExecute) == 0;
    walk.mapping_size = uint64_t{1} << shift;
    walk.mapping = table & ~mask(shift);
    return WalkResult::kMapped;
  }
}

// The rights that a mapping gives to this access (SDM volume 3, 4.6.1).
struct Rights {
  bool read, write, execute;
};

Rights rights_of(const CpuState& state, const Walk& walk, bool user_access, AccessPrivilege privilege) {
  if (user_access) return {walk.user, walk.user && walk.write, walk.user && walk.execute};
  bool smap_override = privilege == AccessPrivilege::kCurrent && (state.rflags & rflags::kAc) != 0;
  bool data = !walk.user || (state.cr4 & cr4::kSmap) == 0 || smap_override;
  return {.read = data,
          .write = data && (walk.write || (state.cr0 & cr0::kWp) == 0),
          .execute = walk.execute && !(walk.user && (state.cr4 & cr4::kSmep) != 0)};
}

// Sets the accessed bit at every level, and the dirty bit of the leaf for a write. False when an entry
// changed meanwhile, so that the walk is stale.
bool set_accessed_and_dirty(GuestMemory& memory, Walk& walk, bool dirty) {
  for (int level = 0; level < walk.levels; ++level) {
    if (walk.paging == Paging::kPae && level == 0) continue;  // a PDPTE has no such bits
    uint64_t old = walk.entry[level];
    uint64_t updated = old | kEntryAccessed;
    if (dirty && level == walk.levels - 1) updated |= kEntryDirty;
    if (updated == old) continue;
    GuestAddress at = walk.entry_address[level];
    bool stored = walk.paging == Paging::k32Bit ? ram_compare_exchange(memory, at, static_cast<uint32_t>(old),
                                                                       static_cast<uint32_t>(updated))
                                                : ram_compare_exchange(memory, at, old, updated);
    if (!stored) return false;
    walk.entry[level] = updated;
  }
  return true;
}

Exception page_fault(const CpuState& state, uint64_t linear, AccessType type, bool user_access,
                     uint32_t cause) {
  uint32_t code = cause;
  if (type == AccessType::kWrite) code |= kErrorWrite;
  if (user_access) code |= kErrorUser;
  bool fetch_is_told =
      (state.cr4 & cr4::kSmep) != 0 || ((state.cr4 & cr4::kPae) != 0 && (state.msr.efer & efer::kNx) != 0);
  if (type == AccessType::kExecute && fetch_is_told) code |= kErrorFetch;
  return {kPageFault, true, code, linear};
}
}  // namespace

std::variant<Translation, Exception> walk_page(Cpu& cpu, uint64_t linear, AccessType type,
                                               AccessPrivilege privilege) {
  const CpuState& state = cpu.state;
  Paging paging = paging_mode(state);
  if (paging == Paging::kOff) return Translation{linear & 0xfffff000, true, true, true, false, 4096};
  if (paging != Paging::k4Level) linear &= 0xffffffff;
  bool user_access = privilege == AccessPrivilege::kCurrent && cpu.cpl() == 3;

  for (int attempt = 0; attempt < kMaxRetries; ++attempt) {
    Walk walk;
    walk.paging = paging;
    walk.reserved_high = ~mask(cpu.physical_address_bits);
    walk.no_execute_enabled = (state.msr.efer & efer::kNx) != 0;
    WalkResult result =
        paging == Paging::k32Bit ? walk_32bit(cpu, linear, walk) : walk_wide(cpu, linear, walk);
    if (result == WalkResult::kNotPresent) return page_fault(state, linear, type, user_access, 0);
    if (result == WalkResult::kReserved)
      return page_fault(state, linear, type, user_access, kErrorProtection | kErrorReserved);
    Rights rights = rights_of(state, walk, user_access, privilege);
    bool allowed = type == AccessType::kRead    ? rights.read
                   : type == AccessType::kWrite ? rights.write
                                                : rights.execute;
    if (!allowed) return page_fault(state, linear, type, user_access, kErrorProtection);
    if (!set_accessed_and_dirty(*cpu.memory, walk, type == AccessType::kWrite)) continue;
    uint64_t leaf = walk.entry[walk.levels - 1];
    return Translation{.page = walk.mapping + (linear & (walk.mapping_size - 1) & ~uint64_t{0xfff}),
                       .user = walk.user,
                       .writable = rights.write && (leaf & kEntryDirty) != 0,
                       .executable = rights.execute,
                       .global = (leaf & kEntryGlobal) != 0 && (state.cr4 & cr4::kPge) != 0,
                       .mapping_size = walk.mapping_size};
  }
  return page_fault(state, linear, type, user_access, kErrorProtection);
}

}  // namespace cumulet::hypervisor
