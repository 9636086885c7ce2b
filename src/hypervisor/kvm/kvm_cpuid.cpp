// CPUID for KVM guests.
#include "hypervisor/kvm/kvm_cpuid.h"

#include <algorithm>
#include <array>
#include <linux/kvm.h>
#include <memory>

#include "hypervisor/kvm/kvm_abi.h"
#include "hypervisor/kvm/kvm_call.h"
#include "hypervisor/vcpu/state.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint32_t kMaxEntries = 256;

using CpuidBuffer = KvmCpuid<kMaxEntries>;

enum class Output : uint8_t { kEax, kEbx, kEcx, kEdx };

struct HiddenFeatures {
  uint32_t leaf, subleaf;
  Output output;
  uint32_t bits;
};

// Bits cleared in restrict_to_contract (SDM volume 2, CPUID; AMD APM volume 3, appendix E).
constexpr HiddenFeatures kHidden[] = {
    // DTES64, MONITOR, DS-CPL, VMX, SMX, EIST, TM2, PDCM, x2APIC, TSC deadline, OSXSAVE (dynamic), hypervisor
    {1, 0, Output::kEcx,
     1u << 2 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 15 | 1u << 21 | 1u << 24 |
         1u << 27 | 1u << 31},
    // MCE, MTRR, MCA, DS, ACPI (thermal), HTT (the machine's topology), TM
    {1, 0, Output::kEdx, 1u << 7 | 1u << 12 | 1u << 14 | 1u << 21 | 1u << 22 | 1u << 28 | 1u << 29},
    // TSC_ADJUST, SGX, RDT-M, MPX, RDT-A, processor trace
    {7, 0, Output::kEbx, 1u << 1 | 1u << 2 | 1u << 12 | 1u << 14 | 1u << 15 | 1u << 25},
    // WAITPKG, CET shadow stacks, LA57, SGX_LC, bus lock detection, ENQCMD, PKS
    {7, 0, Output::kEcx, 1u << 5 | 1u << 7 | 1u << 16 | 1u << 30 | 1u << 24 | 1u << 29 | 1u << 31},
    // UINTR, PCONFIG, architectural LBR, CET-IBT, AMX, MSR list of core capabilities
    {7, 0, Output::kEdx,
     1u << 5 | 1u << 18 | 1u << 19 | 1u << 20 | 1u << 22 | 1u << 24 | 1u << 25 | 1u << 30},
    // XFD and XSAVES (supervisor state components are not in CpuState)
    {0xd, 1, Output::kEax, 1u << 3 | 1u << 4},
    // SVM, extended APIC space, OSVW, IBS, SKINIT, WDT, LWP, performance counters, MONITORX
    {0x80000001, 0, Output::kEcx,
     1u << 2 | 1u << 3 | 1u << 9 | 1u << 10 | 1u << 12 | 1u << 13 | 1u << 15 | 1u << 23 | 1u << 24 |
         1u << 26 | 1u << 28 | 1u << 29},
    // MCE, MTRR, MCA: AMD repeats leaf 1's
    {0x80000001, 0, Output::kEdx, 1u << 7 | 1u << 12 | 1u << 14},
};

// Leaves that become all zeros: performance monitoring, cache allocation, SGX, trace, PCONFIG, LBR, AMX, SVM,
// IBS, AMD's quality of service, SEV, LBR and performance leaves.
constexpr uint32_t kEmptyLeaves[] = {0xa,        0xf,        0x10,       0x12,       0x14,       0x1b,
                                     0x1c,       0x1d,       0x1e,       0x8000000a, 0x8000001b, 0x8000001c,
                                     0x8000001f, 0x80000020, 0x80000022, 0x80000023};

// What fits CpuState::xsave: x87, SSE, AVX, the three AVX-512 components and PKRU.
constexpr uint32_t kStateComponents = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 9;
constexpr uint32_t kLegacyAndHeaderSize = 576;

uint32_t& output_of(CpuidResult& result, Output output) {
  switch (output) {
    case Output::kEax: return result.eax;
    case Output::kEbx: return result.ebx;
    case Output::kEcx: return result.ecx;
    case Output::kEdx: break;
  }
  return result.edx;
}

// Leaf 0xd: only components with room in CpuState, and the area's size that follows from them.
void restrict_extended_state(CpuidTable& table) {
  CpuidResult* main = table.find(0xd, 0);
  if (main == nullptr) return;
  main->eax &= kStateComponents;
  main->edx = 0;
  uint32_t size = kLegacyAndHeaderSize;
  for (uint32_t component = 2; component < 32; ++component) {
    CpuidResult* row = table.find(0xd, component);
    if (row == nullptr) continue;
    if ((main->eax >> component & 1) != 0 && row->eax + row->ebx <= kXsaveAreaSize)
      size = std::max(size, row->eax + row->ebx);
    else
      *row = {};
  }
  main->ecx = size;
  main->ebx = size;  // KVM recomputes it from the guest's XCR0
  if (CpuidResult* extended = table.find(0xd, 1)) extended->ebx = extended->ecx = extended->edx = 0;
}
}  // namespace

Result<CpuidTable> read_kvm_cpuid(int kvm_fd) {
  auto buffer = std::make_unique<CpuidBuffer>();
  buffer->count = kMaxEntries;
  TRY(kvm_call(kvm_fd, kKvmGetSupportedCpuid, buffer.get(), "ask KVM for the supported CPUID"));
  CpuidTable table;
  for (uint32_t i = 0; i < std::min(buffer->count, kMaxEntries); ++i) {
    const kvm_cpuid_entry2& entry = buffer->entries[i];
    table.set({entry.function,
               entry.index,
               (entry.flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) != 0,
               {entry.eax, entry.ebx, entry.ecx, entry.edx}});
  }
  return table;
}

void restrict_to_contract(CpuidTable& table) {
  std::vector<uint32_t> hypervisor_leaves;
  for (const CpuidEntry& entry : table.entries())
    if ((entry.leaf & 0xc0000000) == 0x40000000) hypervisor_leaves.push_back(entry.leaf);
  for (uint32_t leaf : hypervisor_leaves) table.erase(leaf);
  for (const HiddenFeatures& hidden : kHidden)
    if (CpuidResult* result = table.find(hidden.leaf, hidden.subleaf))
      output_of(*result, hidden.output) &= ~hidden.bits;
  for (uint32_t leaf : kEmptyLeaves) {
    if (table.find(leaf) == nullptr) continue;
    table.erase(leaf);
    table.set({leaf, 0, false, {}});
  }
  restrict_extended_state(table);
}

Result<void> write_kvm_cpuid(int vcpu_fd, const CpuidTable& table) {
  if (table.entries().size() > kMaxEntries)
    return fail(ErrorCode::kInvalidArgument, "the CPUID table is too long");
  auto buffer = std::make_unique<CpuidBuffer>();
  for (const CpuidEntry& entry : table.entries()) {
    kvm_cpuid_entry2& row = buffer->entries[buffer->count++];
    row.function = entry.leaf;
    row.index = entry.subleaf;
    row.flags = entry.has_subleaf ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
    row.eax = entry.result.eax;
    row.ebx = entry.result.ebx;
    row.ecx = entry.result.ecx;
    row.edx = entry.result.edx;
  }
  TRY(kvm_call(vcpu_fd, kKvmSetCpuid2, buffer.get(), "give the vCPU its CPUID"));
  return {};
}

}  // namespace cumulet::hypervisor
