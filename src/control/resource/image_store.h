// Images in the store.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/resource/image.h"
#include "store/kv/kv.h"

namespace cumulet::control {

// Registers a new image. kAlreadyExists if its id or its name (within the account) is taken.
[[nodiscard]] Result<> create_image(store::Kv& kv, const Image& image);

// Returns the image, or none.
[[nodiscard]] Result<std::optional<Image>> find_image(store::Kv& kv, const ImageId& id);

// Returns all images by id.
[[nodiscard]] Result<std::vector<Image>> list_images(store::Kv& kv);

// Gives the old holder's name up and registers the new image under it, in one transaction: the rebuilt image
// of a recipe takes over the recipe's name, the old one is renamed "<name> (<its id>)". kAlreadyExists if the
// id is.
[[nodiscard]] Result<> replace_image(store::Kv& kv, const Image& image);

}  // namespace cumulet::control
