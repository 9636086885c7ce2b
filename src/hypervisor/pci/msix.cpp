// MSI-X masking: what is sent, and what waits in the pending bits.
#include "hypervisor/pci/msix.h"

#include <algorithm>

#include "base/check.h"

namespace cumulet::hypervisor {

MsiX::MsiX(MessageSink& sink, size_t vector_count) : sink_(sink), entries_(vector_count) {
  CHECK(vector_count >= 1 && vector_count <= pci::kMsiXMaxVectors);
}

void MsiX::reset() {
  std::fill(entries_.begin(), entries_.end(), Entry{});
  control_ = 0;
}

bool MsiX::masked(const Entry& entry) const {
  return (control_ & pci::kMsiXFunctionMask) != 0 || (entry.control & pci::kMsiXVectorMasked) != 0;
}

void MsiX::send_if_due(Entry& entry) {
  if (!entry.pending || !enabled() || masked(entry)) return;
  entry.pending = false;
  sink_.send_message(uint64_t{entry.address_high} << 32 | entry.address_low, entry.data);
}

void MsiX::set_control(uint16_t control) {
  control_ = control;
  for (Entry& entry : entries_) send_if_due(entry);
}

void MsiX::notify(size_t index) {
  Entry& entry = entries_.at(index);
  if (!enabled()) return;
  entry.pending = true;
  send_if_due(entry);
}

void MsiX::read_table(uint64_t offset, MutableByteView out) const {
  for (size_t i = 0; i < out.size(); ++i, ++offset) {
    if (offset >= table_size()) {
      out[i] = 0;
      continue;
    }
    const Entry& entry = entries_[offset / pci::kMsiXEntrySize];
    const uint32_t words[] = {entry.address_low, entry.address_high, entry.data, entry.control};
    out[i] = static_cast<uint8_t>(words[offset % pci::kMsiXEntrySize / 4] >> (offset % 4 * 8));
  }
}

void MsiX::write_table(uint64_t offset, ByteView bytes) {
  // Only whole, aligned doublewords and quadwords are defined; others are ignored.
  if (offset % 4 != 0 || bytes.size() % 4 != 0) return;
  for (size_t done = 0; done < bytes.size() && offset + done < table_size(); done += 4) {
    Entry& entry = entries_[(offset + done) / pci::kMsiXEntrySize];
    auto value = load_le<uint32_t>(bytes, done);
    switch ((offset + done) % pci::kMsiXEntrySize / 4) {
      case 0: entry.address_low = value & ~uint32_t{3}; break;
      case 1: entry.address_high = value; break;
      case 2: entry.data = value; break;
      default: entry.control = value & pci::kMsiXVectorMasked; send_if_due(entry);
    }
  }
}

void MsiX::read_pending(uint64_t offset, MutableByteView out) const {
  for (size_t i = 0; i < out.size(); ++i, ++offset) {
    out[i] = 0;
    if (offset >= pending_size()) continue;
    for (size_t bit = 0; bit < 8 && offset * 8 + bit < entries_.size(); ++bit)
      out[i] |= static_cast<uint8_t>(entries_[offset * 8 + bit].pending ? 1 << bit : 0);
  }
}

}  // namespace cumulet::hypervisor
