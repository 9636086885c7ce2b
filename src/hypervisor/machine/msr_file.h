// MsrFile: one processor's model-specific registers that are neither the engine's nor the local APIC's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace cumulet::hypervisor {

// Registers that stock kernels probe, with values that say "present, nothing to see" (Intel SDM volume 4; AMD
// BIOS and Kernel Developer's Guides). Everything else faults, as on a processor without the register. Not
// thread-safe: one vCPU thread.
class MsrFile {
 public:
  explicit MsrFile(uint32_t tsc_khz) : tsc_khz_(tsc_khz) {}

  // Empty: #GP(0).
  [[nodiscard]] std::optional<uint64_t> read(uint32_t index) const;
  // False: #GP(0).
  [[nodiscard]] bool write(uint32_t index, uint64_t value);

 private:
  uint32_t tsc_khz_;
  std::map<uint32_t, uint64_t> written_;
};

}  // namespace cumulet::hypervisor
