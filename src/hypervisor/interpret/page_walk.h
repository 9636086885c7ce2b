// Page walk: linear to guest-physical translation with every permission check and accessed/dirty update.
#pragma once

#include <cstdint>
#include <variant>

#include "hypervisor/interpret/cpu.h"

namespace cumulet::hypervisor {

// An exception to be delivered to the guest (SDM volume 3, table 6-1).
struct Exception {
  uint8_t vector;
  bool has_error_code = false;
  uint32_t error_code = 0;
  uint64_t address = 0;  // goes into CR2 for #PF, into DR6 for #DB
};

enum class AccessType : uint8_t { kRead, kWrite, kExecute };

// Who asks: the code's own privilege, or the processor itself on its behalf (descriptor tables, TSS, stacks
// of interrupt delivery), which is supervisor whatever CPL is and whatever EFLAGS.AC says.
enum class AccessPrivilege : uint8_t { kCurrent, kImplicitSupervisor };

// A successful translation of one 4 KiB page (SDM volume 3, 4.6 and 4.7).
struct Translation {
  GuestAddress page;  // guest-physical address of the 4 KiB page
  bool user;          // U/S set at every level
  bool
      writable;  // a later write by the same privilege needs no new walk: permitted, and the dirty bit is set
  bool executable;  // NX clear at every level, SMEP allows it
  bool global;
  uint64_t mapping_size;  // bytes of the mapping it came from: 4 KiB, 2 MiB or 1 GiB (4 KiB with paging off)
};

// Walks the page tables for the current mode (off, 32-bit, PAE, 4-level) and sets accessed and dirty bits
// atomically. Returns the translation, or the page fault (error code and address filled in) that hardware
// would raise. Physical addresses outside RAM translate too (MMIO); page tables outside RAM read as all ones.
std::variant<Translation, Exception> walk_page(Cpu& cpu, uint64_t linear, AccessType type,
                                               AccessPrivilege privilege = AccessPrivilege::kCurrent);

}  // namespace cumulet::hypervisor
