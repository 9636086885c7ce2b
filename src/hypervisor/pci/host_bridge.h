// HostBridge: the function 0:0.0 that every PCI bus begins with.
#pragma once

#include "hypervisor/pci/function.h"

namespace cumulet::hypervisor {

// Intel's 82441FX, which is what EC2 instances show; it does nothing but be there.
class HostBridge final : public PciFunction {
 public:
  HostBridge()
      : PciFunction({.vendor_id = 0x8086, .device_id = 0x1237, .class_code = 0x060000, .revision = 2}) {}
  [[nodiscard]] std::string_view name() const override { return "host-bridge"; }
};

}  // namespace cumulet::hypervisor
