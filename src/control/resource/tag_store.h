// Tags in the store: they live in the records of the resources that carry them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/resource/tag.h"
#include "store/kv/kv.h"

namespace cumulet::control {

// Changes the tags of all named resources (instances, images) in one transaction: `change` gets the id and
// the tags to alter, and may refuse with an error. kNotFound if a resource does not exist.
[[nodiscard]] Result<> update_tags(store::Kv& kv, const std::vector<std::string>& resource_ids,
                                   const std::function<Result<>(const std::string& id, Tags& tags)>& change);

struct ResourceTags {
  std::string resource_id;
  std::string resource_type;  // AWS's name: "instance", "image"
  Tags tags;
};

// Returns every resource that has tags, by id.
[[nodiscard]] Result<std::vector<ResourceTags>> list_tags(store::Kv& kv);

}  // namespace cumulet::control
