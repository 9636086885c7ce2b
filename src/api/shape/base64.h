// Base64 (RFC 4648, standard alphabet, padded).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cumulet::api {

// Returns the encoding of any bytes, without line breaks.
std::string base64_encode(std::string_view bytes);

// Returns the bytes, or nothing if `text` is not padded base64; line breaks inside are skipped (RFC 2045
// writers put them there).
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace cumulet::api
