// SHA-256 and HMAC-SHA-256, by OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cumulet::api {

using Digest = std::array<uint8_t, 32>;

Digest sha256(std::string_view bytes);
Digest hmac_sha256(std::span<const uint8_t> key, std::string_view message);

// Returns lower-case hexadecimal.
std::string to_hex(std::span<const uint8_t> bytes);

// Compares in a time that does not depend on where the strings differ.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace cumulet::api
