// explain_exit(): what the end of a VMM that nobody asked for means for its instance.
#pragma once

#include <optional>

#include "control/resource/instance.h"
#include "node/protocol/vmm_exit.h"

namespace cumulet::node {

struct ExitReason {
  control::ExitKind kind;
  control::StateReason state_reason;
};

// `exit` is the VMM's record, none if it left none. `ran`: the guest had been running.
[[nodiscard]] ExitReason explain_exit(const std::optional<VmmExit>& exit, bool ran);

}  // namespace cumulet::node
