// Parts of zmm registers and opmasks in the XSAVE area (SDM volume 1, 13.4 and 13.5.5).
#include "hypervisor/interpret/wide_state.h"

#include <algorithm>

#include "base/bytes.h"
#include "hypervisor/x86/extended_state.h"

namespace cumulet::hypervisor {

namespace {
constexpr size_t kXmm = 160, kHeader = 512, kYmmHigh = 576;
constexpr size_t kLowHalf = 16, kUpperHalf = 32, kWhole = 64;
constexpr uint8_t kFirstHigh = 16;
}  // namespace

void make_wide_state_present(CpuState& state) {
  const WideLayout& layout = host_wide_layout();
  auto present = load_le<uint64_t>(state.xsave, kHeader);
  auto clear = [&](uint32_t component, uint32_t offset, uint32_t size) {
    if ((present & component) == 0) std::fill_n(state.xsave.begin() + offset, size, uint8_t{0});
  };
  clear(kOpmaskState, layout.opmask, WideLayout::kOpmaskSize);
  clear(kUpperHalvesState, layout.upper_halves, WideLayout::kUpperHalvesSize);
  clear(kHighRegistersState, layout.high_registers, WideLayout::kHighRegistersSize);
  store_le<uint64_t>(state.xsave, kHeader, present | kWideState);
}

WideVector read_wide_vector(const CpuState& state, uint8_t index) {
  const WideLayout& layout = host_wide_layout();
  WideVector bytes{};
  auto area = state.xsave.begin();
  if (index >= kFirstHigh) {
    std::copy_n(area + layout.high_registers + (index - kFirstHigh) * kWhole, kWhole, bytes.begin());
    return bytes;
  }
  std::copy_n(area + kXmm + index * kLowHalf, kLowHalf, bytes.begin());
  std::copy_n(area + kYmmHigh + index * kLowHalf, kLowHalf, bytes.begin() + kLowHalf);
  std::copy_n(area + layout.upper_halves + index * kUpperHalf, kUpperHalf, bytes.begin() + kUpperHalf);
  return bytes;
}

void write_wide_vector(CpuState& state, uint8_t index, const WideVector& bytes) {
  const WideLayout& layout = host_wide_layout();
  auto area = state.xsave.begin();
  if (index >= kFirstHigh) {
    std::copy_n(bytes.begin(), kWhole, area + layout.high_registers + (index - kFirstHigh) * kWhole);
    return;
  }
  std::copy_n(bytes.begin(), kLowHalf, area + kXmm + index * kLowHalf);
  std::copy_n(bytes.begin() + kLowHalf, kLowHalf, area + kYmmHigh + index * kLowHalf);
  std::copy_n(bytes.begin() + kUpperHalf, kUpperHalf, area + layout.upper_halves + index * kUpperHalf);
}

uint64_t read_opmask(const CpuState& state, uint8_t index) {
  return load_le<uint64_t>(state.xsave, host_wide_layout().opmask + index * sizeof(uint64_t));
}

void write_opmask(CpuState& state, uint8_t index, uint64_t value) {
  store_le<uint64_t>(state.xsave, host_wide_layout().opmask + index * sizeof(uint64_t), value);
}

void clear_upper_half(CpuState& state, uint8_t index) {
  const WideLayout& layout = host_wide_layout();
  if (layout.end == 0) return;
  std::fill_n(state.xsave.begin() + layout.upper_halves + index * kUpperHalf, kUpperHalf, uint8_t{0});
}

}  // namespace cumulet::hypervisor
