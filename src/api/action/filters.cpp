// Wildcard matching and the checks common to all filters.
#include "api/action/filters.h"

#include <map>

namespace cumulet::api {

namespace {

constexpr size_t kMaxFilters = 50;
constexpr size_t kMaxFilterValues = 200;        // AWS's limit for one call
constexpr size_t kMaxFilterValueLength = 1024;  // bytes; no resource has a value that long
constexpr std::string_view kTagPrefix = "tag:";

// Length of the pattern's first unit: an escaped character is one.
size_t unit_length(std::string_view pattern) { return pattern[0] == '\\' && pattern.size() > 1 ? 2 : 1; }

// Length of the text's first character in bytes, so that '?' takes a whole one.
size_t character_length(std::string_view text) {
  size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) ++length;
  return length;
}

}  // namespace

bool matches_wildcards(std::string_view pattern, std::string_view text) {
  // Greedy with one point of return: only the last '*' ever needs another try.
  std::string_view star_pattern;
  std::string_view star_text;
  bool starred = false;
  while (true) {
    if (!pattern.empty() && pattern[0] == '*') {
      pattern.remove_prefix(1);
      starred = true;
      star_pattern = pattern;
      star_text = text;
      continue;
    }
    if (pattern.empty() && text.empty()) return true;
    if (!pattern.empty() && !text.empty()) {
      size_t unit = unit_length(pattern);
      bool wild = pattern[0] == '?';
      if (wild || pattern[unit - 1] == text[0]) {
        pattern.remove_prefix(unit);
        text.remove_prefix(wild ? character_length(text) : 1);
        continue;
      }
    }
    if (!starred || star_text.empty()) return false;
    star_text.remove_prefix(1);
    pattern = star_pattern;
    text = star_text;
  }
}

Outcome<void> check_filters(const std::vector<ec2::Filter>& filters, std::span<const std::string_view> known,
                            bool with_tags) {
  if (filters.size() > kMaxFilters) {
    return refuse(ApiCode::kFilterLimitExceeded, "The maximum number of filters in one call is 50");
  }
  size_t values = 0;
  for (const ec2::Filter& filter : filters) {
    if (!filter.name || filter.name->empty()) {
      return refuse(ApiCode::kMissingParameter, "The request must contain the parameter Filter.Name");
    }
    bool is_tag = with_tags && (filter.name->starts_with(kTagPrefix) || *filter.name == "tag-key");
    if (!is_tag && std::find(known.begin(), known.end(), *filter.name) == known.end()) {
      return refuse(ApiCode::kInvalidParameterValue, "The filter '" + *filter.name + "' is invalid");
    }
    if (items(filter.values).empty()) {
      return refuse(ApiCode::kInvalidParameterValue, "The filter '" + *filter.name + "' has no values");
    }
    for (const std::string& value : *filter.values) {
      if (value.size() > kMaxFilterValueLength) {
        return refuse(ApiCode::kInvalidParameterValue,
                      "A value of the filter '" + *filter.name + "' is too long");
      }
    }
    values += filter.values->size();
  }
  if (values > kMaxFilterValues) {
    return refuse(ApiCode::kFilterLimitExceeded,
                  "The maximum number of filter values specified on a single call is 200");
  }
  return {};
}

bool matches_any(const ec2::Filter& filter, const std::vector<std::string>& values) {
  const auto& patterns = items(filter.values);
  return std::any_of(values.begin(), values.end(), [&](const std::string& value) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& pattern) { return matches_wildcards(pattern, value); });
  });
}

bool matches_tags(const ec2::Filter& filter, const control::Tags& tags) {
  if (*filter.name == "tag-key") {
    std::vector<std::string> keys;
    for (const auto& [key, value] : tags) keys.push_back(key);
    return matches_any(filter, keys);
  }
  auto tag = tags.find(filter.name->substr(kTagPrefix.size()));
  return tag != tags.end() && matches_any(filter, {tag->second});
}

}  // namespace cumulet::api
