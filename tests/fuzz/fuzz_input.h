// FuzzInput: a fuzzer's bytes, taken as numbers; and the entry point that every target defines.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "hypervisor/device/device.h"

// libFuzzer's interface: called once for each input, returns 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace cumulet {

// Numbers are 0 once the bytes are used up.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : left_(data, size) {}

  [[nodiscard]] bool empty() const { return left_.empty(); }
  // An integer of `bytes` (1 to 8) bytes.
  [[nodiscard]] uint64_t number(size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes && !left_.empty(); ++i) {
      value |= uint64_t{left_.front()} << (8 * i);
      left_ = left_.subspan(1);
    }
    return value;
  }
  // 0 to limit - 1, from two bytes.
  [[nodiscard]] uint64_t below(uint64_t limit) { return number(2) % limit; }
  [[nodiscard]] uint8_t byte() { return static_cast<uint8_t>(number(1)); }
  // Up to `limit` (at most 64) bytes.
  [[nodiscard]] std::span<const uint8_t> bytes(size_t limit) {
    std::span<const uint8_t> taken = left_.first(std::min(limit, left_.size()));
    left_ = left_.subspan(taken.size());
    return taken;
  }
  // A step of time, from nanoseconds to 67 milliseconds, more often short than long.
  [[nodiscard]] uint64_t step_ns() {
    uint64_t shift = byte() % 27;
    return number(3) & ((uint64_t{1} << shift) - 1);
  }

 private:
  std::span<const uint8_t> left_;
};

namespace hypervisor {

// One guest access to [0, window) of `target`, a Bus or an IoHandler: any offset, width 1 to 8 or, rarely, 64
// bytes; reads must fill what they were given (the sanitizers watch).
template <typename Target>
void fuzz_access(FuzzInput& input, Target& target, uint64_t start, uint64_t window) {
  static constexpr std::array<size_t, 8> kWidths = {1, 2, 4, 4, 4, 8, 3, 64};
  uint8_t choice = input.byte();
  size_t width = kWidths[choice >> 1 & 7];
  uint64_t offset = start + input.below(window);
  if ((choice >> 4) % 4 != 0) offset &= ~uint64_t{3};  // mostly aligned, as drivers do
  std::array<uint8_t, 64> data{};
  if ((choice & 1) != 0) {
    target.read(offset, std::span(data).first(width));
  } else {
    std::span<const uint8_t> given = input.bytes(width);
    std::copy(given.begin(), given.end(), data.begin());
    target.write(offset, std::span<const uint8_t>(data).first(width));
  }
}

}  // namespace hypervisor
}  // namespace cumulet
