// ByteWindow: a range of byte-wide registers; wider accesses become consecutive bytes, as on the ISA bus.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "hypervisor/device/device.h"

namespace cumulet::hypervisor {

// The functions get the register's offset within the window, and are called once for each byte, lowest first.
class ByteWindow final : public IoHandler {
 public:
  using ReadRegister = std::function<uint8_t(uint64_t offset)>;
  using WriteRegister = std::function<void(uint64_t offset, uint8_t value)>;

  ByteWindow(ReadRegister read_register, WriteRegister write_register)
      : read_register_(std::move(read_register)), write_register_(std::move(write_register)) {}

  void read(uint64_t offset, MutableByteView out) override {
    for (uint8_t& byte : out) byte = read_register_(offset++);
  }
  void write(uint64_t offset, ByteView bytes) override {
    for (uint8_t byte : bytes) write_register_(offset++, byte);
  }

 private:
  ReadRegister read_register_;
  WriteRegister write_register_;
};

}  // namespace cumulet::hypervisor
