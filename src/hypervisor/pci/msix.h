// MsiX: a function's MSI-X table and pending bits, and the masks that hold messages back (PCI 3.0, 6.8.2).
#pragma once

#include <cstdint>
#include <vector>

#include "hypervisor/device/device.h"
#include "hypervisor/pci/registers.h"

namespace cumulet::hypervisor {

// A device owns one, puts table() and pending_bits() into its BARs at the offsets that its capability names,
// and tells it when the capability's control word was written. Not thread-safe: used under the machine's
// device lock.
class MsiX {
 public:
  // 1 to 2048 vectors.
  MsiX(MessageSink& sink, size_t vector_count);

  void reset();
  // The capability's message control word, as the guest last wrote it.
  void set_control(uint16_t control);
  // Vector `index` is due: sent now, or pending until unmasked. Precondition: index < the vector count. While
  // MSI-X is disabled the event is lost: there is no INTx.
  void notify(size_t index);
  [[nodiscard]] bool enabled() const { return (control_ & pci::kMsiXEnable) != 0; }
  [[nodiscard]] size_t vector_count() const { return entries_.size(); }
  // Bytes of the table and of the pending bit array.
  [[nodiscard]] uint64_t table_size() const { return entries_.size() * pci::kMsiXEntrySize; }
  [[nodiscard]] uint64_t pending_size() const { return (entries_.size() + 63) / 64 * 8; }

  // The guest's accesses, offset from the start of the table and of the pending bits.
  void read_table(uint64_t offset, MutableByteView out) const;
  void write_table(uint64_t offset, ByteView bytes);
  void read_pending(uint64_t offset, MutableByteView out) const;

 private:
  struct Entry {
    uint32_t address_low = 0, address_high = 0, data = 0, control = pci::kMsiXVectorMasked;
    bool pending = false;
  };
  [[nodiscard]] bool masked(const Entry& entry) const;
  void send_if_due(Entry& entry);

  MessageSink& sink_;
  std::vector<Entry> entries_;
  uint16_t control_ = 0;
};

}  // namespace cumulet::hypervisor
