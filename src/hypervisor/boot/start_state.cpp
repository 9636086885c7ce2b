// GDT, page tables and registers of the boot protocols' entry states.
#include "hypervisor/boot/start_state.h"

#include <array>

namespace cumulet::hypervisor {

namespace {

// Segment attributes (state.h): present, code or data, accessed, 4 KiB granularity.
constexpr uint32_t kFlatCode32 = 0xc09b, kFlatCode64 = 0xa09b, kFlatData = 0xc093, kBusyTask = 0x8b;
constexpr uint64_t kPresentWritable = 3, kLargePage = 1 << 7;
constexpr uint64_t kPageSize = 4096, kLargePageSize = 2 << 20;
constexpr size_t kEntriesPerTable = 512, kMappedGib = 4;
constexpr uint32_t kTaskLimit = 0x67;

// Packs base 0 and a 4 GiB limit with the attributes into a descriptor (SDM volume 3, 3.4.5).
uint64_t flat_descriptor(uint32_t attributes) {
  return 0xffff | uint64_t{attributes & 0xff} << 40 | uint64_t{0xf} << 48 |
         uint64_t{(attributes >> 12) & 0xf} << 52;
}

Result<void> write_gdt(GuestMemory& memory, GuestAddress address, uint32_t code_attributes, CpuState& state) {
  // A 64-bit task descriptor takes two slots; its second half is zero.
  std::array<uint64_t, 6> gdt = {0,
                                 0,
                                 flat_descriptor(code_attributes),
                                 flat_descriptor(kFlatData),
                                 kTaskLimit | uint64_t{kBusyTask} << 40,
                                 0};
  for (size_t i = 0; i < gdt.size(); ++i) {
    if (!memory.write_value<uint64_t>(address + i * 8, gdt[i]))
      return fail(ErrorCode::kInvalidArgument, "there is no RAM for the start GDT");
  }
  state.gdtr = {address, static_cast<uint16_t>(gdt.size() * 8 - 1)};
  state.idtr = {0, 0};
  for (Segment& segment : state.segments) segment = {kBootDataSelector, kFlatData, 0xffffffff, 0};
  state.segments[kCs] = {kBootCodeSelector, code_attributes, 0xffffffff, 0};
  state.tr = {kBootTaskSelector, kBusyTask, kTaskLimit, 0};
  return {};
}

}  // namespace

Result<CpuState> flat_protected_mode(GuestMemory& memory, GuestAddress gdt_address, uint32_t entry) {
  CpuState state = reset_state();
  TRY_VOID(write_gdt(memory, gdt_address, kFlatCode32, state));
  state.cr0 = cr0::kPe | cr0::kEt;
  state.rip = entry;
  return state;
}

Result<CpuState> identity_long_mode(GuestMemory& memory, GuestAddress gdt_address,
                                    GuestAddress tables_address, uint64_t entry) {
  CpuState state = reset_state();
  TRY_VOID(write_gdt(memory, gdt_address, kFlatCode64, state));
  GuestAddress pointers = tables_address + kPageSize;
  GuestAddress directories = pointers + kPageSize;
  bool written = memory.zero(tables_address, (2 + kMappedGib) * kPageSize) &&
                 memory.write_value<uint64_t>(tables_address, pointers | kPresentWritable);
  for (size_t gib = 0; gib < kMappedGib && written; ++gib) {
    written =
        memory.write_value<uint64_t>(pointers + gib * 8, (directories + gib * kPageSize) | kPresentWritable);
  }
  for (size_t page = 0; page < kMappedGib * kEntriesPerTable && written; ++page) {
    written = memory.write_value<uint64_t>(directories + page * 8,
                                           page * kLargePageSize | kLargePage | kPresentWritable);
  }
  if (!written) return fail(ErrorCode::kInvalidArgument, "there is no RAM for the start page tables");
  state.cr0 = cr0::kPe | cr0::kEt | cr0::kPg;
  state.cr3 = tables_address;
  state.cr4 = cr4::kPae;
  state.msr.efer = efer::kLme | efer::kLma;
  state.rip = entry;
  return state;
}

}  // namespace cumulet::hypervisor
