// The DSDT: the devices that a guest cannot find by probing.
#pragma once

#include <cstdint>
#include <vector>

namespace cumulet::hypervisor {

// Soft-off, the PCI host bridge and its windows, reserved motherboard ranges, HPET, RTC and COM1.
std::vector<uint8_t> build_dsdt();

}  // namespace cumulet::hypervisor
