// product_uuid(): the DMI product UUID of an instance.
#pragma once

#include <string>

#include "control/resource/ids.h"

namespace cumulet::node {

// Returns a UUID in text form that begins with "ec2", by which guests recognize EC2 (AWS: "Identify EC2 Linux
// instances"). It depends on the id alone, so that it stays the same over stops and starts.
[[nodiscard]] std::string product_uuid(const control::InstanceId& id);

}  // namespace cumulet::node
