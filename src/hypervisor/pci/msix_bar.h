// MsiXBar: a BAR that holds nothing but an MSI-X table and its pending bits.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "hypervisor/device/device.h"
#include "hypervisor/pci/msix.h"

namespace cumulet::hypervisor {

// The table is at 0, the pending bits at pending_offset(), both within size(), a power of two. The 4 KiB page
// between them keeps the pending bits on a page of their own, as PCI 3.0 6.8.2 advises.
class MsiXBar final : public IoHandler {
 public:
  explicit MsiXBar(MsiX& msix) : msix_(msix) {}

  [[nodiscard]] uint32_t pending_offset() const {
    constexpr uint64_t kPage = 4096;
    return static_cast<uint32_t>((msix_.table_size() + kPage - 1) / kPage * kPage);
  }
  [[nodiscard]] uint64_t size() const { return std::bit_ceil(pending_offset() + msix_.pending_size()); }

  void read(uint64_t offset, MutableByteView out) override {
    if (offset < pending_offset()) {
      msix_.read_table(offset, out);
    } else {
      msix_.read_pending(offset - pending_offset(), out);
    }
  }
  void write(uint64_t offset, ByteView bytes) override { msix_.write_table(offset, bytes); }

 private:
  MsiX& msix_;
};

}  // namespace cumulet::hypervisor
