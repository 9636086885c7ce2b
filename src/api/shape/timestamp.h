// Timestamp: a point of wall time in API requests and responses.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cumulet::api {

struct Timestamp {
  int64_t epoch_ms = 0;  // milliseconds since 1970-01-01 00:00 UTC
  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

// Returns ISO 8601 as EC2 prints it: "2024-05-01T12:34:56.000Z".
std::string format_timestamp(Timestamp timestamp);

// Reads "2024-05-01T12:34:56Z" or "2024-05-01T12:34:56.789Z" (years 1970 to 9999). Returns nothing if it is
// neither.
std::optional<Timestamp> parse_timestamp(std::string_view text);

// Reads SigV4's "20240501T123456Z" (ISO 8601 basic format).
std::optional<Timestamp> parse_basic_timestamp(std::string_view text);

}  // namespace cumulet::api
