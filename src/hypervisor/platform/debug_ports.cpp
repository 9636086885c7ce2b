// The debug exit and power-on self-test ports.
#include "hypervisor/platform/debug_ports.h"

#include <algorithm>

namespace cumulet::hypervisor {

void DebugExit::read([[maybe_unused]] uint64_t offset, MutableByteView out) {
  std::fill(out.begin(), out.end(), uint8_t{0});
}

void DebugExit::write([[maybe_unused]] uint64_t offset, ByteView bytes) {
  on_exit_(static_cast<uint32_t>(load_le_sized(bytes.first(std::min<size_t>(bytes.size(), 4)))));
}

void PostPort::read([[maybe_unused]] uint64_t offset, MutableByteView out) {
  std::fill(out.begin(), out.end(), code_);
}

void PostPort::write([[maybe_unused]] uint64_t offset, ByteView bytes) { code_ = bytes.front(); }

}  // namespace cumulet::hypervisor
