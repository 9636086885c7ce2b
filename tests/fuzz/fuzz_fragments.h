// Fragments: a fuzzer's bytes as text made of a protocol's words, so that random input gets past the first
// check.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "fuzz_input.h"

namespace cumulet {

// Each byte below the number of words is that word; other bytes stand for themselves.
inline std::string text_of_fragments(std::span<const uint8_t> bytes,
                                     std::span<const std::string_view> words) {
  std::string text;
  for (uint8_t byte : bytes) {
    if (byte < words.size()) {
      text += words[byte];
    } else {
      text += static_cast<char>(byte);
    }
  }
  return text;
}

}  // namespace cumulet
