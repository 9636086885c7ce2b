// DebugExit and PostPort: two ports for people who work on kernels and firmware.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "hypervisor/device/device.h"

namespace cumulet::hypervisor {

// A write of 1 to 4 bytes ends the machine with that value as its code.
class DebugExit final : public IoHandler {
 public:
  static constexpr uint64_t kPortCount = 4;
  explicit DebugExit(std::function<void(uint32_t code)> on_exit) : on_exit_(std::move(on_exit)) {}
  void read(uint64_t offset, MutableByteView out) override;
  void write(uint64_t offset, ByteView bytes) override;

 private:
  std::function<void(uint32_t)> on_exit_;
};

// The power-on self-test code: remembers the last byte. Linux also writes here to wait a microsecond.
class PostPort final : public IoHandler {
 public:
  void read(uint64_t offset, MutableByteView out) override;
  void write(uint64_t offset, ByteView bytes) override;
  [[nodiscard]] uint8_t last_code() const { return code_; }

 private:
  uint8_t code_ = 0;
};

}  // namespace cumulet::hypervisor
