// Placement: the question put to the scheduler, as a function that is passed in.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/resource/host.h"
#include "control/resource/ids.h"

namespace cumulet::control {

// A host with what is still free on its machine.
struct HostOffer {
  HostId host;
  std::string zone;
  std::string machine;
  Capacity free;
};

struct PlacementRequest {
  Capacity each;                         // needed by one instance
  uint32_t min_count = 1;                // fewer are a failure
  uint32_t max_count = 1;                // more are not wanted
  std::optional<std::string> zone = {};  // required, if given
};

// Returns the hosts of min_count to max_count instances, in launch order and all in one zone;
// kResourceExhausted if the hosts have no room, kNotFound if the zone has no host at all.
using PlaceFunction =
    std::function<Result<std::vector<HostId>>(const PlacementRequest&, std::span<const HostOffer>)>;

}  // namespace cumulet::control
