// PciFunction: one PCI function: its header, base address registers and capabilities.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "hypervisor/device/device.h"
#include "hypervisor/pci/config_space.h"

namespace cumulet::hypervisor {

struct PciIdentity {
  uint16_t vendor_id, device_id;
  uint32_t class_code;  // 24 bits: class, subclass, programming interface
  uint8_t revision = 0;
  uint16_t subsystem_vendor_id = 0, subsystem_id = 0;
};

// Where a base address register decodes now.
struct PciBarRange {
  bool io = false;  // ports, not memory
  uint64_t address = 0, size = 0;
  friend bool operator==(const PciBarRange&, const PciBarRange&) = default;
};

// A device derives from this, and adds BARs and capabilities in its constructor. The function is a type 0
// header, and has no INTx pin: devices of this machine interrupt by MSI-X only, and drivers that need INTx
// are not supported. Not thread-safe: used under the machine's device lock.
class PciFunction : public Device {
 public:
  explicit PciFunction(const PciIdentity& identity);
  PciFunction(const PciFunction&) = delete;
  PciFunction& operator=(const PciFunction&) = delete;

  // Clears what the guest wrote: command, BARs and writable bits go back to their values at the end of
  // construction. A device that overrides it calls it.
  void reset() override;

  // The guest's accesses, offset within the configuration space.
  void config_read(uint64_t offset, MutableByteView out) const { config_.read(offset, out); }
  void config_write(uint64_t offset, ByteView bytes);

  [[nodiscard]] bool may_master_bus() const;
  // What BAR `index` answers, and by whom; empty when absent, unassigned or disabled in the command register.
  [[nodiscard]] std::optional<PciBarRange> bar_range(size_t index) const;
  [[nodiscard]] IoHandler* bar_handler(size_t index) const { return bars_.at(index).handler; }
  // Size in bytes, 0 when there is no such BAR; and what kind it is.
  [[nodiscard]] uint64_t bar_size(size_t index) const { return bars_.at(index).size; }
  [[nodiscard]] bool bar_is_io(size_t index) const { return bars_.at(index).io; }
  [[nodiscard]] bool bar_is_64_bit(size_t index) const { return bars_.at(index).is_64_bit; }
  // Programs a BAR, as firmware does. `address` must be aligned to the BAR's size.
  void assign_bar(size_t index, uint64_t address);
  // Turns decoding of both kinds of BAR on, as firmware does.
  void enable_decoding();
  // Says in function 0's header whether its device has more functions.
  void set_multi_function(bool multi_function);

 protected:
  // `size` is a power of two, at least 16 bytes for memory and 4 for ports; `handler` must outlive the
  // function. A 64-bit BAR takes `index` and `index` + 1.
  void add_memory_bar(size_t index, uint64_t size, IoHandler& handler, bool is_64_bit,
                      bool prefetchable = false);
  void add_io_bar(size_t index, uint32_t size, IoHandler& handler);
  // Adds a capability of `size` bytes (id and next pointer included) to the list; returns its offset. The
  // space must suffice (our bug otherwise).
  [[nodiscard]] uint16_t add_capability(uint8_t id, size_t size);
  // Adds an extended capability (PCI Express only), from offset 0x100 on.
  [[nodiscard]] uint16_t add_extended_capability(uint16_t id, uint8_t version, size_t size);
  // Adds the MSI-X capability: where its table and pending bits are. The device owns an MsiX and passes it
  // the control word (at the returned offset + kMsiXControl) in config_written().
  [[nodiscard]] uint16_t add_msix_capability(size_t vectors, size_t table_bar, uint32_t table_offset,
                                             size_t pending_bar, uint32_t pending_offset);
  [[nodiscard]] ConfigSpace& config() { return config_; }
  [[nodiscard]] const ConfigSpace& config() const { return config_; }
  // The guest wrote [offset, offset + size) of the configuration space, already stored.
  virtual void config_written([[maybe_unused]] uint64_t offset, [[maybe_unused]] size_t size) {}

 private:
  struct Bar {
    uint64_t size = 0;
    bool io = false, is_64_bit = false;
    IoHandler* handler = nullptr;
  };
  [[nodiscard]] uint64_t bar_address(size_t index) const;
  void keep_initial();

  ConfigSpace config_;
  std::array<Bar, pci::kBarCount> bars_{};
  uint16_t last_capability_ = 0, next_capability_ = pci::kFirstCapability;
  uint16_t last_extended_ = 0, next_extended_ = pci::kLegacyConfigSize;
  std::optional<ConfigSpace> initial_;  // as at the end of construction: kept at the first write or reset
};

}  // namespace cumulet::hypervisor
