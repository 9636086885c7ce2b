// Base64, both ways.
#include "api/shape/base64.h"

#include <cstdint>

namespace cumulet::api {

namespace {
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t n = 0; n < 3; ++n) {
      group = group << 8 | (i + n < bytes.size() ? static_cast<uint8_t>(bytes[i + n]) : 0u);
    }
    for (size_t n = 0; n < 4; ++n) {
      bool padding = i + n > bytes.size();  // n characters carry n - 1 whole bytes
      text += padding ? '=' : kAlphabet[group >> (18 - 6 * n) & 0x3f];
    }
  }
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string bytes;
  uint32_t bits = 0;
  unsigned held = 0;
  size_t characters = 0;
  size_t padding = 0;
  for (char c : text) {
    if (c == '\r' || c == '\n') continue;
    ++characters;
    if (c == '=') {
      ++padding;
      continue;
    }
    size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos || padding > 0) return {};
    bits = (bits << 6 | static_cast<uint32_t>(value)) & 0xffffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>(bits >> held & 0xff);
    }
  }
  bool tail_is_zero = (bits & ((1u << held) - 1)) == 0;
  if (characters % 4 != 0 || padding > 2 || !tail_is_zero) return {};
  return bytes;
}

}  // namespace cumulet::api
