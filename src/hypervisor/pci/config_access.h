// PciConfigPorts and EcamWindow: the two ways into configuration space: ports 0xcf8/0xcfc, and memory.
#pragma once

#include <cstdint>

#include "hypervisor/device/device.h"
#include "hypervisor/pci/pci_bus.h"

namespace cumulet::hypervisor {

// Configuration mechanism #1 (PCI 3.0, 3.2.2.3.2): 8 ports. Port 0xcf9, in the middle of them, is the reset
// control register when accessed as a byte.
class PciConfigPorts final : public IoHandler, public Device {
 public:
  static constexpr uint64_t kPortCount = 8;
  PciConfigPorts(PciBus& bus, IoHandler& reset_control) : bus_(bus), reset_control_(reset_control) {}

  [[nodiscard]] std::string_view name() const override { return "pci-config-ports"; }
  void reset() override { address_ = 0; }
  void read(uint64_t offset, MutableByteView out) override;
  void write(uint64_t offset, ByteView bytes) override;

 private:
  PciBus& bus_;
  IoHandler& reset_control_;
  uint32_t address_ = 0;
};

// Enhanced configuration access (PCI Express 4.0, 7.2.2): bus << 20 | device << 15 | function << 12 |
// register.
class EcamWindow final : public IoHandler {
 public:
  static constexpr uint64_t kBytesPerBus = 1 << 20;
  explicit EcamWindow(PciBus& bus) : bus_(bus) {}
  void read(uint64_t offset, MutableByteView out) override;
  void write(uint64_t offset, ByteView bytes) override;

 private:
  PciBus& bus_;
};

}  // namespace cumulet::hypervisor
