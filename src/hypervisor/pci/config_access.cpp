// Decoding of configuration addresses.
#include "hypervisor/pci/config_access.h"

#include <algorithm>

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kDataOffset = 4, kResetOffset = 1;
constexpr uint32_t kEnable = uint32_t{1} << 31, kAddressWritable = 0x80ff'fffc;

struct Location {
  uint8_t bus, device_function;
};
constexpr Location location(uint64_t address) {
  return {static_cast<uint8_t>(address >> 8), static_cast<uint8_t>(address)};
}
}  // namespace

void PciConfigPorts::read(uint64_t offset, MutableByteView out) {
  if (offset == kResetOffset && out.size() == 1) return reset_control_.read(0, out);
  if (offset >= kDataOffset && (address_ & kEnable) != 0 && offset + out.size() <= kPortCount) {
    Location where = location(address_ >> 8);
    return bus_.config_read(where.bus, where.device_function, (address_ & 0xfc) + offset - kDataOffset, out);
  }
  std::fill(out.begin(), out.end(), uint8_t{0xff});
  if (offset == 0 && out.size() == 4) store_le<uint32_t>(out, 0, address_);
}

void PciConfigPorts::write(uint64_t offset, ByteView bytes) {
  if (offset == kResetOffset && bytes.size() == 1) return reset_control_.write(0, bytes);
  if (offset == 0 && bytes.size() == 4) address_ = load_le<uint32_t>(bytes) & kAddressWritable;
  if (offset < kDataOffset || (address_ & kEnable) == 0 || offset + bytes.size() > kPortCount) return;
  Location where = location(address_ >> 8);
  bus_.config_write(where.bus, where.device_function, (address_ & 0xfc) + offset - kDataOffset, bytes);
}

void EcamWindow::read(uint64_t offset, MutableByteView out) {
  Location where = location(offset >> 12);
  bus_.config_read(where.bus, where.device_function, offset % pci::kConfigSize, out);
}

void EcamWindow::write(uint64_t offset, ByteView bytes) {
  Location where = location(offset >> 12);
  bus_.config_write(where.bus, where.device_function, offset % pci::kConfigSize, bytes);
}

}  // namespace cumulet::hypervisor
