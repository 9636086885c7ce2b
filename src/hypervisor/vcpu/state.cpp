// The states in which processors begin.
#include "hypervisor/vcpu/state.h"

#include "base/bytes.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint32_t kDataReadWriteAccessed = 0x93;
constexpr uint32_t kCodeReadAccessed = 0x9b;
constexpr uint32_t kLdtPresent = 0x82;
constexpr uint32_t kTss32Busy = 0x8b;
}  // namespace

CpuState reset_state() {
  CpuState state;
  for (Segment& segment : state.segments) segment = {0, kDataReadWriteAccessed, 0xffff, 0};
  state.segments[kCs] = {0xf000, kCodeReadAccessed, 0xffff, 0xffff0000};
  state.rip = 0xfff0;
  state.ldtr = {0, kLdtPresent, 0xffff, 0};
  state.tr = {0, kTss32Busy, 0xffff, 0};
  state.gdtr = state.idtr = {0, 0xffff};
  state.cr0 = cr0::kCd | cr0::kNw | cr0::kEt;
  store_le<uint16_t>(state.xsave, 0, 0x37f);
  store_le<uint32_t>(state.xsave, 24, 0x1f80);
  return state;
}

CpuState startup_state(uint8_t vector) {
  CpuState state = reset_state();
  state.segments[kCs] = {static_cast<uint16_t>(vector << 8), kCodeReadAccessed, 0xffff,
                         static_cast<uint64_t>(vector) << 12};
  state.rip = 0;
  return state;
}

}  // namespace cumulet::hypervisor
