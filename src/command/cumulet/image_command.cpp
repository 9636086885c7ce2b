// The image commands' output; the work is control/image's.
#include "command/cumulet/image_command.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/core.h>
#include <vector>

#include "base/clock.h"
#include "control/image/install.h"
#include "control/image/recipe.h"
#include "control/resource/image_store.h"

namespace cumulet::command {
namespace {

constexpr int64_t kMsPerSecond = 1000;

}  // namespace

Result<> image_build(const ImageCommandContext& context, const std::string& recipe) {
  const std::filesystem::path recipes = TRY(control::find_recipes());
  const SystemClock clock;
  const control::Image image =
      TRY(control::build_image(context.kv, clock, recipes, recipe, context.state_dir, context.account_id));
  fmt::print(stderr, "image: {} is registered as {}\n", image.name, image.id.str());
  fmt::print("{}\n", image.id.str());
  return {};
}

Result<> image_list(const ImageCommandContext& context) {
  std::vector<control::Image> images = TRY(control::list_images(context.kv));
  std::sort(images.begin(), images.end(), [](const control::Image& a, const control::Image& b) {
    return a.creation_time_ms > b.creation_time_ms;
  });
  if (images.empty()) {
    fmt::print(stderr, "there are no images; `cumulet image build` makes one\n");
    return {};
  }
  size_t width = 0;
  for (const control::Image& image : images) width = std::max(width, image.name.size());
  fmt::print("{:<21}  {:<{}}  {}\n", "IMAGE", "NAME", width, "CREATED (UTC)");
  for (const control::Image& image : images) {
    const auto created = static_cast<std::time_t>(image.creation_time_ms / kMsPerSecond);
    fmt::print("{:<21}  {:<{}}  {:%Y-%m-%d %H:%M:%S}\n", image.id.str(), image.name, width,
               fmt::gmtime(created));
  }
  return {};
}

}  // namespace cumulet::command
