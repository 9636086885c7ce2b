// The table of benign model-specific registers.
#include "hypervisor/machine/msr_file.h"

#include <algorithm>
#include <array>

namespace cumulet::hypervisor {

namespace {

enum class Kind : uint8_t {
  kConstant,  // reads `value`; writes fault
  kIgnored,   // reads `value`; writes are dropped
  kStored,    // reads what was written last, `value` at first
};

struct Row {
  uint32_t first, last;  // inclusive range of indices
  Kind kind;
  uint64_t value;
};

// MTRRs: 8 variable ranges, fixed ranges, write-combining (10.11.1); default write-back and all ranges off,
// so that guests find RAM cacheable and nothing to repair.
constexpr uint64_t kMtrrCapabilities = 1 << 10 | 1 << 8 | 8;
constexpr uint64_t kMtrrDefault = 1 << 11 | 6;
// Shown by the emulated processor only (emulated_cpuid.cpp says why): RDCL_NO, IBRS_ALL, SKIP_L1DFL_VMENTRY,
// MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO.
constexpr uint64_t kArchCapabilities = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 13 |
                                       1 << 14 | 1 << 15 | 1 << 20 | 1 << 24 | 1 << 26 | 1 << 27;
constexpr uint64_t kMiscEnable = 1 << 0;       // fast strings
constexpr uint64_t kFeatureControlLocked = 1;  // VMX and SGX off, locked by firmware
constexpr uint64_t kMicrocodeRevision = uint64_t{1} << 32;
constexpr uint64_t kHwcrReset = 1 << 24;  // TscFreqSel

constexpr std::array kRows = {
    // Both makers
    Row{0x8b, 0x8b, Kind::kIgnored, kMicrocodeRevision},    // IA32_BIOS_SIGN_ID
    Row{0x79, 0x79, Kind::kIgnored, 0},                     // IA32_BIOS_UPDT_TRIG
    Row{0xfe, 0xfe, Kind::kConstant, kMtrrCapabilities},    // IA32_MTRRCAP
    Row{0x179, 0x179, Kind::kConstant, 0},                  // IA32_MCG_CAP: no banks
    Row{0x17a, 0x17a, Kind::kIgnored, 0},                   // IA32_MCG_STATUS
    Row{0x1d9, 0x1d9, Kind::kStored, 0},                    // IA32_DEBUGCTL
    Row{0x200, 0x20f, Kind::kStored, 0},                    // IA32_MTRR_PHYSBASE0 to PHYSMASK7
    Row{0x250, 0x250, Kind::kStored, 0x0606060606060606},   // IA32_MTRR_FIX64K_00000
    Row{0x258, 0x259, Kind::kStored, 0x0606060606060606},   // FIX16K_80000, _A0000
    Row{0x268, 0x26f, Kind::kStored, 0x0606060606060606},   // FIX4K_C0000 to _F8000
    Row{0x2ff, 0x2ff, Kind::kStored, kMtrrDefault},         // IA32_MTRR_DEF_TYPE
    Row{0x3b, 0x3b, Kind::kStored, 0},                      // IA32_TSC_ADJUST
    Row{0x48, 0x48, Kind::kStored, 0},                      // IA32_SPEC_CTRL
    Row{0x49, 0x49, Kind::kIgnored, 0},                     // IA32_PRED_CMD
    Row{0x10a, 0x10a, Kind::kConstant, kArchCapabilities},  // IA32_ARCH_CAPABILITIES
    Row{0x10b, 0x10b, Kind::kIgnored, 0},                   // IA32_FLUSH_CMD
    Row{0xe7, 0xe8, Kind::kIgnored, 0},                     // IA32_MPERF, IA32_APERF
    // Intel
    Row{0x17, 0x17, Kind::kConstant, 0},                      // IA32_PLATFORM_ID
    Row{0x2a, 0x2a, Kind::kConstant, 0},                      // EBL_CR_POWERON
    Row{0x34, 0x34, Kind::kConstant, 0},                      // SMI_COUNT
    Row{0x3a, 0x3a, Kind::kConstant, kFeatureControlLocked},  // IA32_FEATURE_CONTROL
    Row{0x140, 0x140, Kind::kStored, 0},                      // MISC_FEATURE_ENABLES
    Row{0x1a0, 0x1a0, Kind::kStored, kMiscEnable},            // IA32_MISC_ENABLE
    Row{0x1a2, 0x1a2, Kind::kConstant, 0},                    // TEMPERATURE_TARGET
    // AMD
    Row{0xc0010010, 0xc0010010, Kind::kStored, 0},             // SYSCFG: no encryption, no TOM2
    Row{0xc0010015, 0xc0010015, Kind::kStored, kHwcrReset},    // HWCR
    Row{0xc001001a, 0xc001001a, Kind::kConstant, 0xc0000000},  // TOP_MEM
    Row{0xc001001d, 0xc001001d, Kind::kConstant, 0},           // TOP_MEM2
    Row{0xc001001f, 0xc001001f, Kind::kStored, 0},             // NB_CFG
    Row{0xc0010055, 0xc0010055, Kind::kIgnored, 0},            // INT_PENDING_MSG
    Row{0xc0010058, 0xc0010058, Kind::kConstant, 0},           // MMIO_CONF_BASE
    Row{0xc0010061, 0xc0010063, Kind::kConstant, 0},           // P-state limit, control, status
    Row{0xc0010112, 0xc0010113, Kind::kConstant, 0},           // TSEG address, mask
    Row{0xc0010114, 0xc0010114, Kind::kConstant, 1 << 4},      // VM_CR: SVM disabled
    Row{0xc0010117, 0xc0010117, Kind::kConstant, 0},           // VM_HSAVE_PA
    Row{0xc0010131, 0xc0010131, Kind::kConstant, 0},           // SEV_STATUS
    Row{0xc0010140, 0xc0010141, Kind::kIgnored, 0},            // OSVW_ID_LENGTH, OSVW_STATUS: no errata
    Row{0xc0011020, 0xc0011022, Kind::kStored, 0},             // LS_CFG, IC_CFG, DC_CFG
    Row{0xc0011023, 0xc0011023, Kind::kStored, 0},             // TW_CFG / L2 prefetcher
    Row{0xc0011029, 0xc0011029, Kind::kStored, 1 << 1},        // DE_CFG: LFENCE is serializing
    Row{0xc001102a, 0xc001102a, Kind::kStored, 0},             // BU_CFG2
    Row{0xc00110e3, 0xc00110e3, Kind::kStored, 0},             // DE_CFG2
};

constexpr uint32_t kPlatformInfo = 0xce;  // bits 15:8: TSC frequency in units of 100 MHz

const Row* find_row(uint32_t index) {
  const auto* row = std::find_if(kRows.begin(), kRows.end(),
                                 [&](const Row& each) { return index >= each.first && index <= each.last; });
  return row != kRows.end() ? row : nullptr;
}

}  // namespace

std::optional<uint64_t> MsrFile::read(uint32_t index) const {
  if (index == kPlatformInfo) return uint64_t{(tsc_khz_ / 100'000) & 0xff} << 8;
  const Row* row = find_row(index);
  if (row == nullptr) return std::nullopt;
  auto stored = written_.find(index);
  return stored != written_.end() ? stored->second : row->value;
}

bool MsrFile::write(uint32_t index, uint64_t value) {
  const Row* row = find_row(index);
  if (row == nullptr || row->kind == Kind::kConstant) return false;
  if (row->kind == Kind::kStored) written_[index] = value;
  return true;
}

}  // namespace cumulet::hypervisor
