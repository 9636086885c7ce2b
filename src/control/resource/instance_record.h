// An instance as it is stored: JSON.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "control/resource/instance.h"

namespace cumulet::control {

[[nodiscard]] std::string encode_instance(const Instance& instance);

// kCorrupt if the record is not what encode_instance() writes.
[[nodiscard]] Result<Instance> decode_instance(std::string_view json);

}  // namespace cumulet::control
