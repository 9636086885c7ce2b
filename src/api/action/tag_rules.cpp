// Limits on tags.
#include "api/action/tag_rules.h"

#include <algorithm>

namespace cumulet::api {

namespace {

// Length in characters of text that is known to be UTF-8.
size_t character_count(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

Outcome<control::Tags> read_tags(const std::vector<ec2::Tag>& tags) {
  control::Tags result;
  for (const ec2::Tag& tag : tags) {
    if (!tag.key || tag.key->empty()) {
      return refuse(ApiCode::kMissingParameter, "The request must contain the parameter Tag.Key");
    }
    if (character_count(*tag.key) > kMaxTagKeyLength) {
      return refuse(ApiCode::kInvalidParameterValue, "Tag key exceeds the maximum length of 128 characters");
    }
    std::string value = tag.value.value_or("");
    if (character_count(value) > kMaxTagValueLength) {
      return refuse(ApiCode::kInvalidParameterValue,
                    "Tag value exceeds the maximum length of 256 characters");
    }
    std::string prefix = tag.key->substr(0, 4);
    std::transform(prefix.begin(), prefix.end(), prefix.begin(),
                   [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
    if (prefix == "aws:") {
      return refuse(ApiCode::kInvalidParameterValue,
                    "Tag keys starting with 'aws:' are reserved for internal use");
    }
    if (!result.emplace(*tag.key, std::move(value)).second) {
      return refuse(ApiCode::kInvalidParameterValue, "Duplicate tag key '" + *tag.key + "' specified.");
    }
  }
  return result;
}

Outcome<control::Tags> read_tag_specifications(
    const std::optional<std::vector<ec2::TagSpecification>>& specifications, std::string_view type,
    const std::vector<std::string_view>& vacuous) {
  std::vector<ec2::Tag> wanted;
  for (const ec2::TagSpecification& specification : items(specifications)) {
    if (!specification.resource_type) {
      return refuse(ApiCode::kMissingParameter,
                    "The request must contain the parameter TagSpecification.ResourceType");
    }
    const std::string& resource_type = *specification.resource_type;
    bool is_wanted = resource_type == type;
    if (!is_wanted && std::find(vacuous.begin(), vacuous.end(), resource_type) == vacuous.end()) {
      return refuse(ApiCode::kInvalidParameterValue,
                    "'" + resource_type + "' is not a valid taggable resource type for this operation.");
    }
    const auto& tags = items(specification.tags);
    TRY(read_tags(tags));
    if (is_wanted) wanted.insert(wanted.end(), tags.begin(), tags.end());
  }
  control::Tags result = TRY(read_tags(wanted));
  if (result.size() > kMaxTags) {
    return refuse(ApiCode::kTagLimitExceeded, "More than 50 tags specified for one resource");
  }
  return result;
}

std::string tag_limit_message(const std::string& resource_id) {
  return "The TagSet for resource " + resource_id + " exceeds the limit of 50 tags";
}

std::optional<std::vector<ec2::Tag>> to_tag_list(const control::Tags& tags) {
  if (tags.empty()) return {};
  std::vector<ec2::Tag> list;
  for (const auto& [key, value] : tags) {
    ec2::Tag& tag = list.emplace_back();
    tag.key = key;
    tag.value = value;
  }
  return list;
}

}  // namespace cumulet::api
