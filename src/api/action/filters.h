// Filters: which resources a Describe call wants, by name, with wildcards.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/action/outcome.h"
#include "api/shape/ec2_shapes.h"
#include "control/resource/tag.h"

namespace cumulet::api {

// One filter that an action knows: the values that a resource has under its name (none never match).
template <typename Resource>
struct FilterField {
  std::string_view name;
  std::vector<std::string> (*values)(const Resource& resource);
};

// True if `text` matches `pattern`, where '*' is any run of characters, '?' is any one, and '\' takes the
// next character literally. Case matters. Linear in pattern times text at worst.
bool matches_wildcards(std::string_view pattern, std::string_view text);

// Checks what is common to all filters: each has a known name and values. `known` has the names; "tag:<key>"
// and "tag-key" are known besides if `with_tags`. Errors: InvalidParameterValue, FilterLimitExceeded,
// MissingParameter.
Outcome<void> check_filters(const std::vector<ec2::Filter>& filters, std::span<const std::string_view> known,
                            bool with_tags);

// True if one of the filter's values matches one of `values`.
bool matches_any(const ec2::Filter& filter, const std::vector<std::string>& values);

// True if the filter is about tags and `tags` satisfy it, or if it is about something else.
bool matches_tags(const ec2::Filter& filter, const control::Tags& tags);

// Removes the resources that do not satisfy every filter. `tags` returns a resource's tags, or null where the
// action has no tag filters.
template <typename Resource>
Outcome<void> apply_filters(const std::optional<std::vector<ec2::Filter>>& filters,
                            std::span<const FilterField<Resource>> fields,
                            const control::Tags& (*tags)(const Resource& resource),
                            std::vector<Resource>& resources) {
  std::vector<std::string_view> known;
  for (const FilterField<Resource>& field : fields) known.push_back(field.name);
  TRY_VOID(check_filters(items(filters), known, tags != nullptr));
  for (const ec2::Filter& filter : items(filters)) {
    const FilterField<Resource>* found = nullptr;
    for (const FilterField<Resource>& field : fields) {
      if (field.name == *filter.name) found = &field;
    }
    std::erase_if(resources, [&](const Resource& resource) {
      if (found != nullptr) return !matches_any(filter, found->values(resource));
      return !matches_tags(filter, tags(resource));
    });
  }
  return {};
}

// A field's values from text and from flags, as the filters spell them.
inline std::vector<std::string> one(std::string_view text) { return {std::string(text)}; }
inline std::vector<std::string> one_or_none(std::string_view text) {
  return text.empty() ? std::vector<std::string>{} : one(text);
}
inline std::vector<std::string> one(bool value) { return {value ? "true" : "false"}; }

}  // namespace cumulet::api
