// drain(): stops every instance of a cloud and waits until none runs.
#pragma once

#include "base/result.h"
#include "store/kv/kv.h"

namespace cumulet::command {

// Agents must be at work on this store. The instances show as stopped by "Server.ScheduledStop" and can be
// started again. kTimedOut if some do not end.
[[nodiscard]] Result<> drain(store::Kv& kv);

// Returns whether any instance is between its launch and its end.
[[nodiscard]] Result<bool> needs_drain(store::Kv& kv);

}  // namespace cumulet::command
