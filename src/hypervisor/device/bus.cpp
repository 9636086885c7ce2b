// Address dispatch.
#include "hypervisor/device/bus.h"

#include <algorithm>

namespace cumulet::hypervisor {

Result<void> Bus::insert(uint64_t start, uint64_t size, IoHandler& handler) {
  if (size == 0 || start + size - 1 < start)
    return fail(ErrorCode::kInvalidArgument, "a bus range is empty or wraps");
  auto after = claims_.lower_bound(start);
  bool overlaps_next = after != claims_.end() && after->first - start < size;
  bool overlaps_previous = false;
  if (after != claims_.begin()) {
    auto previous = std::prev(after);
    overlaps_previous = start - previous->first < previous->second.size;
  }
  if (overlaps_next || overlaps_previous)
    return fail(ErrorCode::kAlreadyExists, "a bus range is claimed already");
  claims_.emplace(start, Claim{size, &handler});
  return {};
}

void Bus::remove(uint64_t start) { claims_.erase(start); }

const std::pair<const uint64_t, Bus::Claim>* Bus::find(uint64_t address, uint64_t size) const {
  auto next = claims_.upper_bound(address);
  if (next == claims_.begin()) return nullptr;
  auto it = std::prev(next);
  uint64_t into = address - it->first;
  if (into >= it->second.size || size > it->second.size - into) return nullptr;
  return &*it;
}

void Bus::read(uint64_t address, MutableByteView out) const {
  if (const auto* claim = find(address, out.size())) {
    claim->second.handler->read(address - claim->first, out);
  } else {
    std::fill(out.begin(), out.end(), uint8_t{0xff});
  }
}

void Bus::write(uint64_t address, ByteView bytes) const {
  if (const auto* claim = find(address, bytes.size()))
    claim->second.handler->write(address - claim->first, bytes);
}

}  // namespace cumulet::hypervisor
