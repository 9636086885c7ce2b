// CPU features by the names that /proc/cpuinfo gives them, looked up in a CPUID table.
#pragma once

#include <string_view>

#include "base/result.h"
#include "hypervisor/x86/cpuid.h"

namespace cumulet::guest_test {

// Whether the table shows the feature. Error kInvalidArgument for a name not in our list.
Result<bool> has_feature(const hypervisor::CpuidTable& table, std::string_view name);

}  // namespace cumulet::guest_test
