// Tags: the key-value labels that users put on resources.
#pragma once

#include <map>
#include <string>

namespace cumulet::control {

// Ordered by key. The limits (50 tags, lengths, reserved prefix) are checked by the API.
using Tags = std::map<std::string, std::string>;

}  // namespace cumulet::control
