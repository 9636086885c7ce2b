// DescribeRegions and DescribeAvailabilityZones.
#include <set>

#include "api/action/actions.h"
#include "api/action/filters.h"
#include "control/resource/host_store.h"
#include "control/resource/zone.h"

namespace cumulet::api {

namespace {

using control::Region;
using control::Zone;

constexpr std::string_view kOptInStatus = "opt-in-not-required";

std::string endpoint_of(const Region& region) { return "ec2." + region.name + ".amazonaws.com"; }

constexpr FilterField<Region> kRegionFields[] = {
    {"endpoint", [](const Region& r) { return one(endpoint_of(r)); }},
    {"opt-in-status", [](const Region&) { return one(kOptInStatus); }},
    {"region-name", [](const Region& r) { return one(r.name); }},
};

constexpr FilterField<Zone> kZoneFields[] = {
    {"group-name", [](const Zone& z) { return one(z.region); }},
    {"message", [](const Zone&) { return std::vector<std::string>(); }},
    {"opt-in-status", [](const Zone&) { return one(kOptInStatus); }},
    {"parent-zoneID", [](const Zone&) { return std::vector<std::string>(); }},
    {"parent-zoneName", [](const Zone&) { return std::vector<std::string>(); }},
    {"region-name", [](const Zone& z) { return one(z.region); }},
    {"state", [](const Zone&) { return one("available"); }},
    {"zone-id", [](const Zone& z) { return one(z.id); }},
    {"zone-name", [](const Zone& z) { return one(z.name); }},
    {"zone-type", [](const Zone&) { return one("availability-zone"); }},
};

// Keeps the zones that `wanted` names; every wanted name must be one.
Outcome<void> keep_named(const std::optional<std::vector<std::string>>& wanted, std::string Zone::*name,
                         std::vector<Zone>& zones) {
  if (items(wanted).empty()) return {};
  std::set<std::string> known;
  for (const Zone& zone : zones) known.insert(zone.*name);
  for (const std::string& text : *wanted) {
    if (!known.contains(text)) {
      return refuse(ApiCode::kInvalidParameterValue, "Invalid availability zone: [" + text + "]");
    }
  }
  std::set<std::string> names(wanted->begin(), wanted->end());
  std::erase_if(zones, [&](const Zone& zone) { return !names.contains(zone.*name); });
  return {};
}

}  // namespace

Outcome<ec2::DescribeRegionsResult> describe_regions(ActionContext& context,
                                                     const ec2::DescribeRegionsRequest& request) {
  TRY_VOID(check_dry_run(request.dry_run));
  std::vector<Region> regions = {{context.cloud.region}};
  for (const std::string& name : items(request.region_names)) {
    if (name != context.cloud.region) {
      return refuse(ApiCode::kInvalidParameterValue, "Invalid region names: [" + name + "]");
    }
  }
  TRY_VOID(apply_filters<Region>(request.filters, kRegionFields, nullptr, regions));
  ec2::DescribeRegionsResult result;
  auto& views = result.regions.emplace();
  for (const Region& region : regions) {
    ec2::Region& view = views.emplace_back();
    view.region_name = region.name;
    view.endpoint = endpoint_of(region);
    view.opt_in_status = std::string(kOptInStatus);
  }
  return result;
}

Outcome<ec2::DescribeAvailabilityZonesResult> describe_availability_zones(
    ActionContext& context, const ec2::DescribeAvailabilityZonesRequest& request) {
  TRY_VOID(check_dry_run(request.dry_run));
  auto zones = TRY(control::list_zones(context.cloud.kv));
  TRY_VOID(keep_named(request.zone_names, &Zone::name, zones));
  TRY_VOID(keep_named(request.zone_ids, &Zone::id, zones));
  TRY_VOID(apply_filters<Zone>(request.filters, kZoneFields, nullptr, zones));
  ec2::DescribeAvailabilityZonesResult result;
  auto& views = result.availability_zones.emplace();
  for (const Zone& zone : zones) {
    ec2::AvailabilityZone& view = views.emplace_back();
    view.state = "available";
    view.opt_in_status = std::string(kOptInStatus);
    view.messages.emplace();
    view.region_name = zone.region;
    view.zone_name = zone.name;
    view.zone_id = zone.id;
    view.group_name = zone.region;
    view.network_border_group = zone.region;
    view.zone_type = "availability-zone";
  }
  return result;
}

}  // namespace cumulet::api
