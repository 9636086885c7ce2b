// What the translator may use of the host's processor, and can do without.
#pragma once

namespace cumulet::hypervisor {

// rorx and its like (SDM volume 2, CPUID leaf 7).
bool host_has_bmi2();

}  // namespace cumulet::hypervisor
