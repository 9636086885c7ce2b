// Choosing hosts.
#include "control/scheduler/place.h"

#include <fmt/format.h>
#include <map>
#include <set>
#include <string>

namespace cumulet::control {

namespace {

bool fits(const Capacity& need, const Capacity& free) {
  return need.vcpus <= free.vcpus && need.memory_mib <= free.memory_mib;
}

// Returns the hosts for as many of the instances as the zone can take. `free` is by machine: hosts share it.
std::vector<HostId> fill_zone(const PlacementRequest& request, const std::string& zone,
                              std::span<const HostOffer> offers) {
  std::map<std::string, Capacity> free;
  for (const HostOffer& offer : offers) free[offer.machine] = offer.free;
  std::vector<HostId> hosts;
  while (hosts.size() < request.max_count) {
    const HostOffer* best = nullptr;
    for (const HostOffer& offer : offers) {
      if (offer.zone != zone || !fits(request.each, free[offer.machine])) continue;
      if (best == nullptr || free[offer.machine].memory_mib > free[best->machine].memory_mib) best = &offer;
    }
    if (best == nullptr) break;
    Capacity& left = free[best->machine];
    left.vcpus -= request.each.vcpus;
    left.memory_mib -= request.each.memory_mib;
    hosts.push_back(best->host);
  }
  return hosts;
}

}  // namespace

Result<std::vector<HostId>> place(const PlacementRequest& request, std::span<const HostOffer> offers) {
  std::set<std::string> zones;
  for (const HostOffer& offer : offers)
    if (!request.zone || offer.zone == *request.zone) zones.insert(offer.zone);
  if (request.zone && zones.empty())
    return fail(ErrorCode::kNotFound, "The Availability Zone '" + *request.zone + "' has no hosts");

  std::vector<HostId> best;
  for (const std::string& zone : zones) {
    std::vector<HostId> hosts = fill_zone(request, zone, offers);
    if (hosts.size() > best.size()) best = std::move(hosts);
  }
  if (best.size() >= request.min_count) return best;
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("There is no capacity for {} instance(s) with {} vCPUs and {} MiB of memory{}.",
                          request.min_count, request.each.vcpus, request.each.memory_mib,
                          request.zone ? " in " + *request.zone : std::string()),
              fmt::format("room for {}", best.size()));
}

}  // namespace cumulet::control
