// Outcome: what an action returns: its response structure, or the error that the caller gets.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "api/action/error_codes.h"
#include "base/result.h"

namespace cumulet::api {

template <typename T>
using Outcome = tl::expected<T, ApiError>;

// The response of an action that has nothing to say but that it was done.
struct Acknowledged {};

// Builds the failed side of any Outcome.
inline tl::unexpected<ApiError> refuse(ApiCode code, std::string message) {
  return tl::unexpected(ApiError(code, std::move(message)));
}

// The items of a list member of a request; none if it was not sent.
template <typename T>
const std::vector<T>& items(const std::optional<std::vector<T>>& list) {
  static const std::vector<T> kNone;
  return list ? *list : kNone;
}

// DryRun: called by every action after its checks and before its first effect (or before its first answer).
inline Outcome<void> check_dry_run(const std::optional<bool>& dry_run) {
  if (!dry_run.value_or(false)) return {};
  return refuse(ApiCode::kDryRunOperation, "Request would have succeeded, but DryRun flag is set.");
}

}  // namespace cumulet::api
