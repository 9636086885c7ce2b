// `cumulet image build|list`: machine images made from recipes, and what there is.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "store/kv/kv.h"

namespace cumulet::command {

// What the image commands work on; the caller opens the store of the state folder.
struct ImageCommandContext {
  store::Kv& kv;
  std::filesystem::path state_dir;
  std::string account_id;  // 12 digits: the owner of images that are built
};

// Builds the image of a recipe (control::kDefaultRecipe is the default one), registers it, and prints its id
// on stdout; progress goes to stderr. The same content gives the same id, so a second call changes nothing.
// Errors: as control::build_image().
[[nodiscard]] Result<> image_build(const ImageCommandContext& context, const std::string& recipe);

// Prints a table of the images on stdout. Errors: those of the store.
[[nodiscard]] Result<> image_list(const ImageCommandContext& context);

}  // namespace cumulet::command
