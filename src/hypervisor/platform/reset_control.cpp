// The reset control register.
#include "hypervisor/platform/reset_control.h"

#include <algorithm>

namespace cumulet::hypervisor {

void ResetControl::read([[maybe_unused]] uint64_t offset, MutableByteView out) {
  std::fill(out.begin(), out.end(), value_);
}

void ResetControl::write([[maybe_unused]] uint64_t offset, ByteView bytes) {
  constexpr uint8_t kResetProcessor = 1 << 2, kWritable = 0x0e;
  uint8_t before = value_;
  value_ = bytes.front() & kWritable;
  if ((value_ & ~before & kResetProcessor) != 0) on_reset_();
}

}  // namespace cumulet::hypervisor
