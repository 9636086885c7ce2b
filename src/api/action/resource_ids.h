// Resource ids in requests: well-formed, known, and all or nothing.
#pragma once

#include <string>
#include <vector>

#include "api/action/outcome.h"
#include "control/resource/ids.h"
#include "control/resource/image.h"
#include "control/resource/instance.h"
#include "store/kv/kv.h"

namespace cumulet::api {

inline constexpr size_t kMaxIdsPerCall = 1000;

// Checks the form of instance ids. Errors: InvalidInstanceID.Malformed, MissingParameter (no id at all),
// InvalidParameterValue (more than 1,000).
Outcome<std::vector<control::InstanceId>> parse_instance_ids(const std::vector<std::string>& texts);

// Checks the form of one image id: InvalidAMIID.Malformed.
Outcome<control::ImageId> parse_image_id(const std::string& text);

// Returns the instances in the order of `ids`, a repeated id once. InvalidInstanceID.NotFound names every
// unknown one.
Outcome<std::vector<control::Instance>> find_instances(store::Kv& kv,
                                                       const std::vector<control::InstanceId>& ids);

// Returns the image; InvalidAMIID.NotFound if there is none.
Outcome<control::Image> find_known_image(store::Kv& kv, const control::ImageId& id);

}  // namespace cumulet::api
