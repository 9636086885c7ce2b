// Header look-up.
#include "api/http/message.h"

#include <algorithm>

namespace cumulet::api::http {

namespace {
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
}  // namespace

bool same_header_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

const std::string* Request::find_header(std::string_view name) const {
  for (const Header& header : headers) {
    if (same_header_name(header.name, name)) return &header.value;
  }
  return nullptr;
}

}  // namespace cumulet::api::http
