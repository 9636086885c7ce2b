// UTF-8 checks on text that comes from outside.
#pragma once

#include <string_view>

namespace cumulet::api {

// True if `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF) of
// characters that XML 1.0 can carry (section 2.2: no control characters but tab, line feed and carriage
// return).
bool is_xml_text(std::string_view text);

}  // namespace cumulet::api
