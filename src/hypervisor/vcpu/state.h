// CpuState: the architectural state of one x86-64 processor, the same for every engine.
#pragma once

#include <array>
#include <cstdint>

namespace cumulet::hypervisor {

// Indices of CpuState::gpr: the hardware encoding (Intel SDM volume 2, table 3-1).
enum Register : uint8_t {
  kRax,
  kRcx,
  kRdx,
  kRbx,
  kRsp,
  kRbp,
  kRsi,
  kRdi,
  kR8,
  kR9,
  kR10,
  kR11,
  kR12,
  kR13,
  kR14,
  kR15,
};

// Indices of CpuState::segments: the hardware encoding of a segment register.
enum SegmentRegister : uint8_t { kEs, kCs, kSs, kDs, kFs, kGs };

// A segment register with its hidden part. `attributes` is laid out like bits 8 to 23 of a descriptor's high
// doubleword (SDM volume 3, 3.4.5): type 0-3, S 4, DPL 5-6, P 7, AVL 12, L 13, D/B 14, G 15; bit 16 =
// unusable.
struct Segment {
  uint16_t selector = 0;
  uint32_t attributes = 0;
  uint32_t limit = 0;  // in bytes, already expanded by G
  uint64_t base = 0;

  static constexpr uint32_t kTypeMask = 0xf, kCodeOrData = 1 << 4, kPresent = 1 << 7, kLong = 1 << 13,
                            kDefaultBig = 1 << 14, kGranularity = 1 << 15, kUnusable = 1 << 16;
  [[nodiscard]] uint8_t type() const { return attributes & kTypeMask; }
  [[nodiscard]] uint8_t dpl() const { return (attributes >> 5) & 3; }
  [[nodiscard]] bool present() const { return (attributes & kPresent) != 0; }
  [[nodiscard]] bool long_mode() const { return (attributes & kLong) != 0; }
  [[nodiscard]] bool default_big() const { return (attributes & kDefaultBig) != 0; }
};

struct DescriptorTable {
  uint64_t base = 0;
  uint16_t limit = 0;  // bytes - 1
};

// Bits of RFLAGS, CR0, CR4 and EFER that the code names (SDM volume 3, 2.2 to 2.5).
namespace rflags {
inline constexpr uint64_t kCf = 1 << 0, kFixed = 1 << 1, kPf = 1 << 2, kAf = 1 << 4, kZf = 1 << 6,
                          kSf = 1 << 7, kTf = 1 << 8, kIf = 1 << 9, kDf = 1 << 10, kOf = 1 << 11,
                          kIopl = 3 << 12, kNt = 1 << 14, kRf = 1 << 16, kVm = 1 << 17, kAc = 1 << 18,
                          kVif = 1 << 19, kVip = 1 << 20, kId = 1 << 21;
inline constexpr uint64_t kArithmetic = kCf | kPf | kAf | kZf | kSf | kOf;
}  // namespace rflags
namespace cr0 {
inline constexpr uint64_t kPe = 1 << 0, kMp = 1 << 1, kEm = 1 << 2, kTs = 1 << 3, kEt = 1 << 4, kNe = 1 << 5,
                          kWp = 1 << 16, kAm = 1 << 18, kNw = 1 << 29, kCd = 1 << 30, kPg = uint64_t{1} << 31;
}
namespace cr4 {
inline constexpr uint64_t kVme = 1 << 0, kPvi = 1 << 1, kTsd = 1 << 2, kDe = 1 << 3, kPse = 1 << 4,
                          kPae = 1 << 5, kMce = 1 << 6, kPge = 1 << 7, kPce = 1 << 8, kOsfxsr = 1 << 9,
                          kOsxmmexcpt = 1 << 10, kUmip = 1 << 11, kFsgsbase = 1 << 16, kPcide = 1 << 17,
                          kOsxsave = 1 << 18, kSmep = 1 << 20, kSmap = 1 << 21, kPke = 1 << 22;
}
namespace efer {
inline constexpr uint64_t kSce = 1 << 0, kLme = 1 << 8, kLma = 1 << 10, kNx = 1 << 11,
                          kAutomaticIbrs = 1 << 21;
}

// Model-specific registers that belong to the processor itself (SDM volume 4). All others are Exit::kMsr.
struct ModelSpecificRegisters {
  uint64_t efer = 0;
  uint64_t star = 0, lstar = 0, cstar = 0, fmask = 0;
  uint64_t kernel_gs_base = 0;
  uint64_t sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
  uint64_t tsc_aux = 0;
  uint64_t pat = 0x0007040600070406;
};

// Why the processor executes nothing (a startup IPI or an interrupt ends it).
enum class Activity : uint8_t { kRunning, kHalted, kWaitForSipi };

// XSAVE area in the standard (not compacted) format: x87, SSE, AVX, and room up to AVX-512 (SDM volume
// 1, 13.4).
inline constexpr uint32_t kXsaveAreaSize = 4096;

struct CpuState {
  std::array<uint64_t, 16> gpr{};
  uint64_t rip = 0;
  uint64_t rflags = rflags::kFixed;
  std::array<Segment, 6> segments{};
  Segment ldtr{}, tr{};
  DescriptorTable gdtr{}, idtr{};
  uint64_t cr0 = cr0::kEt, cr2 = 0, cr3 = 0, cr4 = 0, cr8 = 0;
  uint64_t xcr0 = 1;
  std::array<uint64_t, 4> dr{};  // dr0 to dr3
  uint64_t dr6 = 0xffff0ff0, dr7 = 0x400;
  ModelSpecificRegisters msr{};
  uint64_t tsc_offset = 0;  // guest TSC = host TSC + tsc_offset, modulo 2^64
  Activity activity = Activity::kRunning;
  bool interrupt_shadow = false;  // set by sti and mov ss: the next instruction takes no interrupt
  alignas(64) std::array<uint8_t, kXsaveAreaSize> xsave{};
};

// Returns the state after RESET (SDM volume 3, table 9-1): real mode at f000:fff0, XSAVE area in its initial
// configuration (FCW 0x37f, MXCSR 0x1f80).
CpuState reset_state();

// Returns the state in which an application processor starts on a startup IPI with this vector (SDM volume 3,
// 8.4.3): real mode at vector << 12, CS selector vector << 8.
CpuState startup_state(uint8_t vector);

}  // namespace cumulet::hypervisor
