// PciBus: the functions of bus 0, where their BARs answer, and access to their configuration.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>

#include "base/result.h"
#include "hypervisor/device/bus.h"
#include "hypervisor/device/device.h"
#include "hypervisor/pci/function.h"
#include "hypervisor/pci/host_bridge.h"

namespace cumulet::hypervisor {

// Where BARs may be placed: [start, end) each.
struct PciWindows {
  uint64_t memory_32_start = 0, memory_32_end = 0;
  uint64_t memory_64_start = 0, memory_64_end = 0;
  uint32_t io_start = 0, io_end = 0;
};

// Bus 0 of segment 0; the host bridge is at device 0. A function must be removed before it is destroyed.
// BARs are claimed on the machine's buses as the guest moves and enables them; one that the guest lays over
// something else, or outside the windows, answers nothing. Not thread-safe: used under the machine's device
// lock.
class PciBus {
 public:
  PciBus(Bus& ports, Bus& memory, const PciWindows& windows);
  ~PciBus();
  PciBus(const PciBus&) = delete;
  PciBus& operator=(const PciBus&) = delete;

  // Errors: kInvalidArgument (device > 31 or function > 7), kAlreadyExists (the place is taken).
  [[nodiscard]] Result<void> add(uint8_t device, uint8_t function, PciFunction& added);
  void remove(uint8_t device, uint8_t function);

  // Gives every BAR an address and turns decoding on, as firmware does before it starts an operating system.
  // Error kResourceExhausted when a window is full.
  [[nodiscard]] Result<void> assign_resources();
  // Resets every function, and takes its BARs off the buses.
  void reset();

  // Configuration accesses: a function that is not there reads as all ones.
  void config_read(uint8_t bus, uint8_t device_function, uint64_t offset, MutableByteView out) const;
  void config_write(uint8_t bus, uint8_t device_function, uint64_t offset, ByteView bytes);

 private:
  struct Slot {
    PciFunction* function = nullptr;
    std::array<std::optional<PciBarRange>, pci::kBarCount> claimed{};  // what is on the buses now
  };
  void remap();
  void unclaim(Slot& slot);
  [[nodiscard]] bool within_windows(const PciBarRange& range) const;
  void update_multi_function(uint8_t device);

  Bus& ports_;
  Bus& memory_;
  PciWindows windows_;
  HostBridge host_bridge_;
  std::map<uint8_t, Slot> slots_;  // by device << 3 | function
};

}  // namespace cumulet::hypervisor
