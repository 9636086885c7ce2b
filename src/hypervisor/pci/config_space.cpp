// The guest's access to configuration bytes.
#include "hypervisor/pci/config_space.h"

namespace cumulet::hypervisor {

void ConfigSpace::read(uint64_t offset, MutableByteView out) const {
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = offset < bytes_.size() - i ? bytes_[offset + i] : uint8_t{0xff};
}

void ConfigSpace::write(uint64_t offset, ByteView bytes) {
  for (size_t i = 0; i < bytes.size() && offset < bytes_.size() - i; ++i) {
    uint8_t& stored = bytes_[offset + i];
    uint8_t writable = writable_[offset + i];
    stored = static_cast<uint8_t>((stored & ~writable) | (bytes[i] & writable));
    stored &= static_cast<uint8_t>(~(bytes[i] & write_1_to_clear_[offset + i]));
  }
}

}  // namespace cumulet::hypervisor
