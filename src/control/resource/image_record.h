// An image as it is stored: JSON.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "control/resource/image.h"

namespace cumulet::control {

[[nodiscard]] std::string encode_image(const Image& image);

// kCorrupt if the record is not what encode_image() writes.
[[nodiscard]] Result<Image> decode_image(std::string_view json);

}  // namespace cumulet::control
