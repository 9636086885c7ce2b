// The UTF-8 decoder behind is_xml_text.
#include "api/shape/utf8.h"

#include <cstddef>
#include <cstdint>

namespace cumulet::api {

namespace {

bool is_xml_character(uint32_t code_point) {
  if (code_point < 0x20) return code_point == '\t' || code_point == '\n' || code_point == '\r';
  if (code_point >= 0xd800 && code_point <= 0xdfff) return false;
  return code_point <= 0x10ffff && code_point != 0xfffe && code_point != 0xffff;
}

}  // namespace

bool is_xml_text(std::string_view text) {
  // The smallest code point of each sequence length: anything below it is an overlong form.
  constexpr uint32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
  for (size_t i = 0; i < text.size();) {
    auto first = static_cast<uint8_t>(text[i++]);
    size_t continuation = 0;
    uint32_t code_point = first;
    if (first >= 0x80) {
      if (first >= 0xf0 && first < 0xf8) {
        continuation = 3;
      } else if (first >= 0xe0) {
        continuation = 2;
      } else if (first >= 0xc0) {
        continuation = 1;
      }
      if (continuation == 0 || first >= 0xf8 || text.size() - i < continuation) return false;
      code_point = first & (0x3fu >> continuation);
      for (size_t n = 0; n < continuation; ++n) {
        auto next = static_cast<uint8_t>(text[i++]);
        if ((next & 0xc0) != 0x80) return false;
        code_point = code_point << 6 | (next & 0x3fu);
      }
    }
    if (code_point < kSmallest[continuation] || !is_xml_character(code_point)) return false;
  }
  return true;
}

}  // namespace cumulet::api
