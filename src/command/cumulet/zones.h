// The Availability Zones that a region of this machine has.
#pragma once

#include <string>
#include <vector>

#include "control/resource/zone.h"

namespace cumulet::command {

// Returns zones a, b and c of the region, with ids in AWS's manner, e.g. us-east-1a is use1-az1.
[[nodiscard]] std::vector<control::Zone> zones_of(const std::string& region);

}  // namespace cumulet::command
