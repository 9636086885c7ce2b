// Checks of ids, with AWS's messages.
#include "api/action/resource_ids.h"

#include <set>

#include "control/resource/image_store.h"
#include "control/resource/instance_store.h"

namespace cumulet::api {

namespace {

std::string shown(const std::string& text) { return text.substr(0, 64); }

}  // namespace

Outcome<std::vector<control::InstanceId>> parse_instance_ids(const std::vector<std::string>& texts) {
  if (texts.empty()) {
    return refuse(ApiCode::kMissingParameter, "The request must contain the parameter InstanceId");
  }
  if (texts.size() > kMaxIdsPerCall) {
    return refuse(ApiCode::kInvalidParameterValue, "At most 1000 instance IDs can be given in one request");
  }
  std::vector<control::InstanceId> ids;
  for (const std::string& text : texts) {
    ids.emplace_back(text);
    if (!control::is_well_formed(ids.back())) {
      return refuse(ApiCode::kInvalidInstanceIdMalformed, "Invalid id: \"" + shown(text) + "\"");
    }
  }
  return ids;
}

Outcome<control::ImageId> parse_image_id(const std::string& text) {
  control::ImageId id(text);
  if (control::is_well_formed(id)) return id;
  return refuse(ApiCode::kInvalidAmiIdMalformed,
                "Invalid id: \"" + shown(text) + "\" (expecting \"ami-...\")");
}

Outcome<std::vector<control::Instance>> find_instances(store::Kv& kv,
                                                       const std::vector<control::InstanceId>& ids) {
  std::vector<control::Instance> found;
  std::set<control::InstanceId> seen;
  std::string unknown;
  size_t unknown_count = 0;
  for (const control::InstanceId& id : ids) {
    if (!seen.insert(id).second) continue;
    auto instance = TRY(control::find_instance(kv, id));
    if (instance) {
      found.push_back(std::move(*instance));
      continue;
    }
    unknown += (unknown.empty() ? "" : ", ") + id.str();
    ++unknown_count;
  }
  if (unknown_count == 0) return found;
  return refuse(ApiCode::kInvalidInstanceIdNotFound, unknown_count == 1
                                                         ? "The instance ID '" + unknown + "' does not exist"
                                                         : "The instance IDs '" + unknown + "' do not exist");
}

Outcome<control::Image> find_known_image(store::Kv& kv, const control::ImageId& id) {
  auto image = TRY(control::find_image(kv, id));
  if (image) return std::move(*image);
  return refuse(ApiCode::kInvalidAmiIdNotFound, "The image id '[" + id.str() + "]' does not exist");
}

}  // namespace cumulet::api
