// Fetching and decoding the instruction at CS:RIP.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "hypervisor/interpret/execution.h"

namespace cumulet::hypervisor {

// Problem: decoding costs more than executing most instructions. So decoded instructions are kept, by address
// and mode, and used again only if the bytes at the address are still the same: self-modifying code needs
// nothing special. One per vCPU, on its thread.
class Fetcher {
 public:
  Fetcher();

  // Reads up to 15 bytes at CS:RIP (fewer if the page after them is not there and not needed) and decodes
  // them for the current mode. Sets x.decoded, x.code_bits and x.next_rip. Stops with #PF, or #GP(0) for an
  // instruction outside the code segment or longer than 15 bytes, or #UD for what is no instruction.
  [[nodiscard]] bool fetch(Execution& x);

 private:
  static constexpr size_t kCacheSize = 1024;

  [[nodiscard]] bool read_bytes(Execution& x, uint64_t linear, size_t wanted, size_t& available,
                                std::array<uint8_t, kMaxInstructionBytes>& bytes);
  [[nodiscard]] const ZydisDecoder& decoder(ZydisMachineMode mode) const { return decoders_[mode]; }

  std::array<ZydisDecoder, ZYDIS_MACHINE_MODE_MAX_VALUE + 1> decoders_{};
  std::vector<FetchedInstruction> cache_;
};

}  // namespace cumulet::hypervisor
