// XSAVE and XRSTOR on the quick path: the host's own, as x87 and vector state is the guest's there.
#include <algorithm>

#include "hypervisor/translate/block.h"
#include "hypervisor/translate/quick_path.h"

namespace cumulet::hypervisor::quick {

namespace {
// The area's parts (SDM volume 1, 13.4).
constexpr uint64_t kMxcsrOffset = 24, kHeader = 512, kStandardSize = 576, kAlignment = 64;
constexpr uint64_t kSseOrAvx = 6;
constexpr uint32_t kMxcsrMask = 0xffff;

bool decline(Context& context) {
  context.reason = LeaveReason::kInterpret;
  return false;
}

uint64_t requested_features(const CpuState& state) {
  return (state.gpr[kRdx] << 32 | (state.gpr[kRax] & 0xffffffff)) & state.xcr0;
}

// The host address of the area at miss_linear, if that is one piece; else 0.
uint64_t find_area(Context& context, uint64_t size, bool write) {
  uint64_t linear = context.miss_linear;
  if (linear % kAlignment != 0) return 0;
  Exception fault{};
  uint64_t first_size = std::min(size, kPageSize - (linear & ~kPageMask));
  uint64_t host = data_address(context, linear, first_size, write, fault);
  if (host == 0 || first_size == size) return host;
  uint64_t rest = data_address(context, linear + first_size, size - first_size, write, fault);
  return rest == host + first_size ? host : 0;
}

void copy(uint8_t* to, uint64_t from, uint64_t size) {
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}
}  // namespace

bool save_extended(Context* pointer) {
  Context& context = *pointer;
  uint64_t features = requested_features(context.cpu.state);
  uint64_t area = find_area(context, context.wide_layout.area_size(features), true);
  take_flags(context);
  if (area == 0) return decline(context);
  asm volatile("xsave64 (%0)" : : "r"(area), "a"(static_cast<uint32_t>(features)), "d"(0) : "memory");
  return finish(context);
}

// From a copy, so that what is checked cannot change any more.
bool restore_extended(Context* pointer) {
  Context& context = *pointer;
  CpuState& state = context.cpu.state;
  uint64_t features = requested_features(state);
  uint64_t size = context.wide_layout.area_size(features);
  uint64_t area = find_area(context, size, false);
  take_flags(context);
  if (area == 0) return decline(context);
  uint8_t* own = state.xsave.data();
  copy(own, area, size);
  auto header = reinterpret_cast<uint64_t>(own) + kHeader;
  bool valid = (load(header) & ~state.xcr0) == 0;
  for (uint64_t offset = 8; offset < kStandardSize - kHeader; offset += 8)
    valid &= load(header + offset) == 0;
  auto mxcsr = static_cast<uint32_t>(load(header - kHeader + kMxcsrOffset));
  if (!valid || ((features & kSseOrAvx) != 0 && (mxcsr & ~kMxcsrMask) != 0)) return decline(context);
  asm volatile("xrstor64 (%0)" : : "r"(own), "a"(static_cast<uint32_t>(features)), "d"(0) : "memory");
  return finish(context);
}

}  // namespace cumulet::hypervisor::quick
