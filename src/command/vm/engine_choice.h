// Which engine runs a guest: the one place that knows them all.
#pragma once

#include <string>

#include "base/result.h"
#include "hypervisor/machine/machine_config.h"
#include "node/protocol/vmm_config.h"

namespace cumulet::command {

// True when /dev/kvm may be opened and the CPU says that it has VT-x or AMD-V. A /dev/kvm without them is
// emulated itself, and slower than our own translation.
bool has_hardware_virtualization();

// Resolves kAuto, and returns what makes the engine at each boot. `translation_cache` is the folder in which
// the emulated engine keeps translations; empty: it keeps none.
hypervisor::EngineFactory choose_engine(node::EngineChoice choice, const std::string& translation_cache = {});

}  // namespace cumulet::command
