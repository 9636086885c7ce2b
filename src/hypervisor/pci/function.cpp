// The type 0 header, base address registers and capability lists.
#include "hypervisor/pci/function.h"

#include <bit>

#include "base/check.h"

namespace cumulet::hypervisor {

namespace {
uint16_t bar_offset(size_t index) { return static_cast<uint16_t>(pci::kBar0 + 4 * index); }
}  // namespace

PciFunction::PciFunction(const PciIdentity& identity) {
  config_.set<uint16_t>(pci::kVendorId, identity.vendor_id);
  config_.set<uint16_t>(pci::kDeviceId, identity.device_id);
  config_.set<uint32_t>(pci::kRevisionId, identity.class_code << 8 | identity.revision);
  config_.set<uint16_t>(pci::kSubsystemVendorId, identity.subsystem_vendor_id);
  config_.set<uint16_t>(pci::kSubsystemId, identity.subsystem_id);
  config_.make_writable<uint16_t>(pci::kCommand, pci::kCommandIo | pci::kCommandMemory |
                                                     pci::kCommandBusMaster | pci::kCommandParity |
                                                     pci::kCommandSerr | pci::kCommandInterruptDisable);
  config_.make_writable<uint8_t>(pci::kCacheLineSize, 0xff);
  config_.make_writable<uint8_t>(pci::kInterruptLine, 0xff);
}

void PciFunction::keep_initial() {
  if (!initial_) initial_ = config_;
}

void PciFunction::reset() {
  keep_initial();
  config_ = *initial_;
}

void PciFunction::config_write(uint64_t offset, ByteView bytes) {
  keep_initial();
  config_.write(offset, bytes);
  config_written(offset, bytes.size());
}

bool PciFunction::may_master_bus() const {
  return (config_.get<uint16_t>(pci::kCommand) & pci::kCommandBusMaster) != 0;
}

void PciFunction::add_memory_bar(size_t index, uint64_t size, IoHandler& handler, bool is_64_bit,
                                 bool prefetchable) {
  CHECK(index + (is_64_bit ? 2 : 1) <= pci::kBarCount && std::has_single_bit(size) && size >= 16);
  CHECK(is_64_bit || size <= uint64_t{1} << 31);
  uint64_t address_bits = ~(size - 1);
  config_.set<uint32_t>(bar_offset(index),
                        (is_64_bit ? pci::kBar64Bit : 0) | (prefetchable ? pci::kBarPrefetchable : 0));
  config_.make_writable<uint32_t>(bar_offset(index), static_cast<uint32_t>(address_bits));
  if (is_64_bit)
    config_.make_writable<uint32_t>(bar_offset(index + 1), static_cast<uint32_t>(address_bits >> 32));
  bars_[index] = {.size = size, .io = false, .is_64_bit = is_64_bit, .handler = &handler};
}

void PciFunction::add_io_bar(size_t index, uint32_t size, IoHandler& handler) {
  CHECK(index < pci::kBarCount && std::has_single_bit(size) && size >= 4 && size <= 256);
  config_.set<uint32_t>(bar_offset(index), pci::kBarIo);
  config_.make_writable<uint32_t>(bar_offset(index), ~(size - 1));
  bars_[index] = {.size = size, .io = true, .is_64_bit = false, .handler = &handler};
}

uint16_t PciFunction::add_capability(uint8_t id, size_t size) {
  uint16_t offset = next_capability_;
  CHECK(size >= 2 && offset + size <= pci::kLegacyConfigSize);
  next_capability_ = static_cast<uint16_t>((offset + size + 3) & ~size_t{3});
  config_.set<uint8_t>(offset, id);
  if (last_capability_ == 0) {
    config_.set<uint16_t>(pci::kStatus, config_.get<uint16_t>(pci::kStatus) | pci::kStatusCapabilities);
    config_.set<uint8_t>(pci::kCapabilitiesPointer, static_cast<uint8_t>(offset));
  } else {
    config_.set<uint8_t>(static_cast<uint16_t>(last_capability_ + 1), static_cast<uint8_t>(offset));
  }
  last_capability_ = offset;
  return offset;
}

uint16_t PciFunction::add_extended_capability(uint16_t id, uint8_t version, size_t size) {
  // Header: id 15:0, version 19:16, next 31:20 (PCI Express 4.0, 7.6.3).
  uint16_t offset = next_extended_;
  CHECK(size >= 4 && version < 16 && offset + size <= pci::kConfigSize);
  next_extended_ = static_cast<uint16_t>((offset + size + 3) & ~size_t{3});
  config_.set<uint32_t>(offset, uint32_t{id} | uint32_t{version} << 16);
  if (last_extended_ != 0) {
    uint32_t header = config_.get<uint32_t>(last_extended_);
    config_.set<uint32_t>(last_extended_, header | uint32_t{offset} << 20);
  }
  last_extended_ = offset;
  return offset;
}

uint16_t PciFunction::add_msix_capability(size_t vectors, size_t table_bar, uint32_t table_offset,
                                          size_t pending_bar, uint32_t pending_offset) {
  CHECK(vectors >= 1 && vectors <= pci::kMsiXMaxVectors && table_offset % 8 == 0 && pending_offset % 8 == 0);
  CHECK(table_bar < pci::kBarCount && pending_bar < pci::kBarCount);
  uint16_t offset = add_capability(pci::kCapabilityMsiX, pci::kMsiXCapabilitySize);
  auto at = [offset](uint16_t field) { return static_cast<uint16_t>(offset + field); };
  config_.set<uint16_t>(at(pci::kMsiXControl), static_cast<uint16_t>(vectors - 1));
  config_.make_writable<uint16_t>(at(pci::kMsiXControl), pci::kMsiXFunctionMask | pci::kMsiXEnable);
  config_.set<uint32_t>(at(pci::kMsiXTable), table_offset | static_cast<uint32_t>(table_bar));
  config_.set<uint32_t>(at(pci::kMsiXPending), pending_offset | static_cast<uint32_t>(pending_bar));
  return offset;
}

uint64_t PciFunction::bar_address(size_t index) const {
  const Bar& bar = bars_[index];
  uint32_t low = config_.get<uint32_t>(bar_offset(index));
  if (bar.io) return low & ~pci::kBarIoFlags;
  uint64_t high = bar.is_64_bit ? config_.get<uint32_t>(bar_offset(index + 1)) : 0;
  return high << 32 | (low & ~pci::kBarMemoryFlags);
}

std::optional<PciBarRange> PciFunction::bar_range(size_t index) const {
  const Bar& bar = bars_.at(index);
  uint16_t enable = bar.io ? pci::kCommandIo : pci::kCommandMemory;
  if (bar.size == 0 || (config_.get<uint16_t>(pci::kCommand) & enable) == 0) return std::nullopt;
  uint64_t address = bar_address(index);
  if (address == 0) return std::nullopt;
  return PciBarRange{.io = bar.io, .address = address, .size = bar.size};
}

void PciFunction::assign_bar(size_t index, uint64_t address) {
  keep_initial();
  const Bar& bar = bars_.at(index);
  CHECK(bar.size != 0 && address % bar.size == 0 && (bar.is_64_bit || address >> 32 == 0));
  uint32_t flags =
      config_.get<uint32_t>(bar_offset(index)) & (bar.io ? pci::kBarIoFlags : pci::kBarMemoryFlags);
  config_.set<uint32_t>(bar_offset(index), static_cast<uint32_t>(address) | flags);
  if (bar.is_64_bit) config_.set<uint32_t>(bar_offset(index + 1), static_cast<uint32_t>(address >> 32));
}

void PciFunction::enable_decoding() {
  keep_initial();
  uint16_t command = config_.get<uint16_t>(pci::kCommand);
  for (const Bar& bar : bars_) {
    if (bar.size != 0) command |= bar.io ? pci::kCommandIo : pci::kCommandMemory;
  }
  config_.set<uint16_t>(pci::kCommand, command);
}

void PciFunction::set_multi_function(bool multi_function) {
  auto set = [multi_function](ConfigSpace& space) {
    auto type = static_cast<uint8_t>(space.get<uint8_t>(pci::kHeaderType) & ~pci::kMultiFunction);
    space.set<uint8_t>(pci::kHeaderType, multi_function ? type | pci::kMultiFunction : type);
  };
  set(config_);
  if (initial_) set(*initial_);
}

}  // namespace cumulet::hypervisor
