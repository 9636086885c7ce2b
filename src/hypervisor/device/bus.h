// Bus: dispatches reads and writes by address to the device that claimed the range.
#pragma once

#include <cstdint>
#include <map>

#include "base/bytes.h"
#include "base/result.h"
#include "hypervisor/device/device.h"

namespace cumulet::hypervisor {

// One address space: ports or physical memory outside RAM. Not thread-safe: used under the machine's device
// lock.
class Bus {
 public:
  // Claims [start, start + size) for `handler`, which must outlive the claim. Error kAlreadyExists on
  // overlap, kInvalidArgument for an empty or wrapping range.
  Result<void> insert(uint64_t start, uint64_t size, IoHandler& handler);
  // Gives up the range that starts at `start`, if there is one.
  void remove(uint64_t start);

  // An access that no device claims, or that crosses the end of a claim, reads as all ones and writes
  // nowhere.
  void read(uint64_t address, MutableByteView out) const;
  void write(uint64_t address, ByteView bytes) const;

 private:
  struct Claim {
    uint64_t size;
    IoHandler* handler;
  };
  [[nodiscard]] const std::pair<const uint64_t, Claim>* find(uint64_t address, uint64_t size) const;

  std::map<uint64_t, Claim> claims_;  // by start
};

}  // namespace cumulet::hypervisor
