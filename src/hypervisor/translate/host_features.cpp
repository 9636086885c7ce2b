// CPUID, asked once.
#include "hypervisor/translate/host_features.h"

#include <cpuid.h>
#include <cstdint>

namespace cumulet::hypervisor {

bool host_has_bmi2() {
  static const bool kHas = [] {
    constexpr uint32_t kBmi2 = 1U << 8;
    uint32_t a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & kBmi2) != 0;
  }();
  return kHas;
}

}  // namespace cumulet::hypervisor
