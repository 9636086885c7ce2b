// RecordingLine: the interrupt line of tests: knows its level and counts its rising edges.
#pragma once

#include "hypervisor/device/device.h"

namespace cumulet::hypervisor {

class RecordingLine final : public InterruptLine {
 public:
  void set_level(bool high) override {
    if (high && !high_) ++rises_;
    high_ = high;
  }
  [[nodiscard]] bool high() const { return high_; }
  // Rising edges since the last call.
  [[nodiscard]] int take_rises() {
    int rises = rises_;
    rises_ = 0;
    return rises;
  }

 private:
  bool high_ = false;
  int rises_ = 0;
};

// One register access of a test, `T` wide.
template <std::unsigned_integral T>
[[nodiscard]] T read_value(IoHandler& handler, uint64_t offset) {
  uint8_t bytes[sizeof(T)];
  handler.read(offset, bytes);
  return load_le<T>(bytes);
}
template <std::unsigned_integral T>
void write_value(IoHandler& handler, uint64_t offset, T value) {
  uint8_t bytes[sizeof(T)];
  store_le<T>(bytes, 0, value);
  handler.write(offset, bytes);
}

}  // namespace cumulet::hypervisor
