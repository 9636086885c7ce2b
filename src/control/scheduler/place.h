// place(): chooses the hosts of new instances. A pure function.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "control/resource/placement.h"

namespace cumulet::control {

// A PlaceFunction. All instances go to one zone: the required one, else the one that can take most of them
// (of equals the first by name). Within the zone each goes to the host with most memory free, so that load
// spreads.
[[nodiscard]] Result<std::vector<HostId>> place(const PlacementRequest& request,
                                                std::span<const HostOffer> offers);

}  // namespace cumulet::control
