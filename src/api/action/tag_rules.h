// Tag rules: what AWS allows as tags, checked wherever a request brings some.
#pragma once

#include <string>
#include <vector>

#include "api/action/outcome.h"
#include "api/shape/ec2_shapes.h"
#include "control/resource/tag.h"

namespace cumulet::api {

inline constexpr size_t kMaxTags = 50;           // per resource
inline constexpr size_t kMaxTagKeyLength = 128;  // characters
inline constexpr size_t kMaxTagValueLength = 256;

// Checks keys and values (lengths, the reserved prefix "aws:", no key twice). A tag without a value has an
// empty one.
Outcome<control::Tags> read_tags(const std::vector<ec2::Tag>& tags);

// Reads the tags for resource type `type` out of a create call's specifications. Types in `vacuous` are legal
// there although the call makes no such resource; other types are refused.
Outcome<control::Tags> read_tag_specifications(
    const std::optional<std::vector<ec2::TagSpecification>>& specifications, std::string_view type,
    const std::vector<std::string_view>& vacuous);

// The text of TagLimitExceeded.
std::string tag_limit_message(const std::string& resource_id);

// Returns tags for a response, by key; none if there are none (AWS omits the element then).
std::optional<std::vector<ec2::Tag>> to_tag_list(const control::Tags& tags);

}  // namespace cumulet::api
