// TokenRecord: what a RunInstances client token made, as stored.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/resource/ids.h"

namespace cumulet::control {

struct TokenRecord {
  std::string fingerprint;  // of the request's parameters
  ReservationId reservation;
  std::vector<InstanceId> instances;  // by launch index
};

[[nodiscard]] std::string encode_token(const TokenRecord& record);

// kCorrupt if the record is not what encode_token() writes.
[[nodiscard]] Result<TokenRecord> decode_token(std::string_view json);

}  // namespace cumulet::control
