// Names and ids of zones.
#include "command/cumulet/zones.h"

#include <array>
#include <string_view>

namespace cumulet::command {

namespace {

// "ap-southeast-1" is "apse1": the area, the direction's initials, the number. AWS's ids are made so, but for
// a few.
std::string short_region(std::string_view region) {
  static constexpr std::array<std::string_view, 5> kDirections{"north", "south", "east", "west", "central"};
  std::string text;
  while (!region.empty()) {
    const size_t end = region.find('-');
    std::string_view word = region.substr(0, end);
    region.remove_prefix(end == std::string_view::npos ? region.size() : end + 1);
    if (word == "gov" || word == "iso" || word == "isob") {
      text += word.front();
      continue;
    }
    for (bool found = true; found;) {
      found = false;
      for (const std::string_view direction : kDirections) {
        if (!word.starts_with(direction)) continue;
        text += direction.front();
        word.remove_prefix(direction.size());
        found = true;
      }
    }
    text += word;
  }
  return text;
}

}  // namespace

std::vector<control::Zone> zones_of(const std::string& region) {
  std::vector<control::Zone> zones;
  for (int i = 0; i < 3; ++i)
    zones.push_back(
        {region + static_cast<char>('a' + i), short_region(region) + "-az" + std::to_string(i + 1), region});
  return zones;
}

}  // namespace cumulet::command
