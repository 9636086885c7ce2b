// Zones and hosts in the store, and what is free on the hosts.
#pragma once

#include <vector>

#include "base/result.h"
#include "control/resource/host.h"
#include "control/resource/placement.h"
#include "control/resource/zone.h"
#include "store/kv/kv.h"

namespace cumulet::control {

// Makes or changes a zone.
[[nodiscard]] Result<> put_zone(store::Kv& kv, const Zone& zone);

// Returns all zones by name.
[[nodiscard]] Result<std::vector<Zone>> list_zones(store::Kv& kv);

// Makes or changes a host; nothing is written if it is as stored.
[[nodiscard]] Result<> put_host(store::Kv& kv, const Host& host);

// Returns all hosts by id.
[[nodiscard]] Result<std::vector<Host>> list_hosts(store::Kv& kv);

// Returns every host with what is free on its machine.
[[nodiscard]] Result<std::vector<HostOffer>> list_host_offers(store::Kv& kv);

}  // namespace cumulet::control
