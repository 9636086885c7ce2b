// IoApic: turns interrupt lines into messages to local APICs (82093AA datasheet, here version 0x20).
#pragma once

#include <array>
#include <cstdint>

#include "hypervisor/device/device.h"
#include "hypervisor/interrupt/apic_bus.h"

namespace cumulet::hypervisor {

// 24 pins. A line's level is logical (true = asserted): the polarity bits are stored and have no effect.
// Not thread-safe: used under the machine's device lock.
class IoApic final : public IoHandler, public Device, public EndOfInterruptListener {
 public:
  static constexpr uint32_t kPinCount = 24;
  static constexpr uint64_t kWindowSize = 0x1000;

  explicit IoApic(ApicBus& bus, uint8_t id = 0);

  [[nodiscard]] std::string_view name() const override { return "io-apic"; }
  void reset() override;
  void read(uint64_t offset, MutableByteView out) override;
  void write(uint64_t offset, ByteView bytes) override;

  // Precondition: pin < kPinCount.
  void set_level(uint32_t pin, bool high);
  void end_of_interrupt(uint8_t vector) override;

 private:
  [[nodiscard]] uint32_t read_register(uint8_t index) const;
  void write_register(uint8_t index, uint32_t value);
  void deliver(uint32_t pin);

  ApicBus& bus_;
  uint8_t id_;
  uint8_t selected_ = 0;  // IOREGSEL
  uint32_t id_register_ = 0;
  std::array<uint64_t, kPinCount> entries_{};
  uint32_t levels_ = 0;  // lines that are high now
};

}  // namespace cumulet::hypervisor
