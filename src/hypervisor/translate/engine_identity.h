// EngineIdentity: what must be the same for translations of one process to be right in another.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "hypervisor/translate/stubs.h"

namespace cumulet::hypervisor {

struct EngineIdentity {
  std::array<uint8_t, 32> build{};  // the program's build id
  uint64_t processor = 0;           // a hash of what CPUID says of features
  uint64_t layout = 0;              // of the Context and the stubs
  uint64_t code_cache_size = 0;

  // What is not the same, in words for the log; empty: nothing.
  [[nodiscard]] std::string_view difference(const EngineIdentity& other) const;
};

// Nothing if the program has no build id.
std::optional<EngineIdentity> engine_identity(const Stubs& stubs, uint64_t stub_address,
                                              uint64_t code_cache_size);

}  // namespace cumulet::hypervisor
