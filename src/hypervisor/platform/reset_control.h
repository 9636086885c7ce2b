// ResetControl: the reset control register at port 0xcf9 (Intel 82371SB datasheet, 2.5.6).
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "hypervisor/device/device.h"

namespace cumulet::hypervisor {

// A write with bit 2 (RST_CPU) set, not set before, resets the machine; bit 1 chooses hard or soft, which are
// the same here. It is reached through the PCI configuration ports, which surround it.
class ResetControl final : public IoHandler, public Device {
 public:
  explicit ResetControl(std::function<void()> on_reset) : on_reset_(std::move(on_reset)) {}

  [[nodiscard]] std::string_view name() const override { return "reset-control"; }
  void reset() override { value_ = 0; }
  void read(uint64_t offset, MutableByteView out) override;
  void write(uint64_t offset, ByteView bytes) override;

 private:
  std::function<void()> on_reset_;
  uint8_t value_ = 0;
};

}  // namespace cumulet::hypervisor
