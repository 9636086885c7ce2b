// Recipes: the scripts that build machine images from distribution packages, and running one.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cumulet::control {

constexpr std::string_view kDefaultRecipe = "debian-12-minimal";

// Returns the folder of the recipes: $CUMULET_IMAGES, else share/cumulet/images beside the folder of the
// running program. kNotFound, with what to do, if it is not there.
[[nodiscard]] Result<std::filesystem::path> find_recipes();

// Returns the names of the recipes in the folder, sorted.
[[nodiscard]] std::vector<std::string> list_recipes(const std::filesystem::path& recipes);

// Runs a recipe until it ends; its progress goes to this process's stderr. The image's files are in `output`
// afterwards. kNotFound for an unknown recipe; kUnavailable if python3 cannot run or the recipe fails.
[[nodiscard]] Result<> run_recipe(const std::filesystem::path& recipes, const std::string& name,
                                  const std::filesystem::path& output);

}  // namespace cumulet::control
