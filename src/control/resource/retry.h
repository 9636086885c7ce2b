// retry_on_conflict(): the loop of every read-change-commit on the store.
#pragma once

#include "base/error.h"

namespace cumulet::control {

// Runs `attempt` again while it fails with kConflict, because another writer came between. Each failed
// attempt means that another one succeeded, so the bound is reached under extreme contention only.
template <typename Attempt>
[[nodiscard]] auto retry_on_conflict(Attempt attempt) -> decltype(attempt()) {
  constexpr int kAttempts = 100;
  for (int i = 1; i < kAttempts; ++i) {
    auto result = attempt();
    if (result || result.error().code != ErrorCode::kConflict) return result;
  }
  return attempt();
}

}  // namespace cumulet::control
