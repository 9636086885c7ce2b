// DescribeInstances' filter table.
#include "api/action/instance_filters.h"

#include "api/shape/timestamp.h"

namespace cumulet::api {

namespace {

using control::Instance;
using Values = std::vector<std::string>;

// For what instances cannot have yet: the filter is legal and matches nothing.
Values absent(const Instance&) { return {}; }

constexpr FilterField<Instance> kFields[] = {
    {"affinity", absent},
    {"architecture", [](const Instance&) { return one("x86_64"); }},
    {"availability-zone", [](const Instance& i) { return one(i.zone); }},
    {"block-device-mapping.attach-time", absent},
    {"block-device-mapping.delete-on-termination", absent},
    {"block-device-mapping.device-name", absent},
    {"block-device-mapping.status", absent},
    {"block-device-mapping.volume-id", absent},
    {"capacity-reservation-id", absent},
    {"client-token", [](const Instance& i) { return one_or_none(i.client_token); }},
    {"dns-name", absent},
    {"group-id", absent},
    {"group-name", absent},
    {"hibernation-options.configured", [](const Instance&) { return one(false); }},
    {"host-id", absent},
    {"hypervisor", [](const Instance&) { return one("xen"); }},
    {"iam-instance-profile.arn", absent},
    {"image-id", [](const Instance& i) { return one(i.image_id.str()); }},
    {"instance-id", [](const Instance& i) { return one(i.id.str()); }},
    {"instance-lifecycle", absent},
    {"instance-state-code",
     [](const Instance& i) { return one(std::to_string(static_cast<int>(control::visible_state(i)))); }},
    {"instance-state-name",
     [](const Instance& i) { return one(control::instance_state_name(control::visible_state(i))); }},
    {"instance-type", [](const Instance& i) { return one(i.instance_type); }},
    {"instance.group-id", absent},
    {"instance.group-name", absent},
    {"ip-address", absent},
    {"kernel-id", absent},
    {"key-name", absent},
    {"launch-index", [](const Instance& i) { return one(std::to_string(i.launch_index)); }},
    {"launch-time", [](const Instance& i) { return one(format_timestamp({i.launch_time_ms})); }},
    {"monitoring-state", [](const Instance&) { return one("disabled"); }},
    {"network-interface.network-interface-id", absent},
    {"network-interface.subnet-id", absent},
    {"network-interface.vpc-id", absent},
    {"owner-id", [](const Instance& i) { return one(i.owner_id); }},
    {"placement-group-name", absent},
    {"platform", absent},
    {"platform-details", [](const Instance&) { return one("Linux/UNIX"); }},
    {"private-dns-name", absent},
    {"private-ip-address", absent},
    {"product-code", absent},
    {"ramdisk-id", absent},
    {"reason", [](const Instance& i) { return one_or_none(i.desired.transition_reason); }},
    {"requester-id", absent},
    {"reservation-id", [](const Instance& i) { return one(i.reservation_id.str()); }},
    {"root-device-name", absent},
    {"root-device-type", [](const Instance&) { return one("instance-store"); }},
    {"source-dest-check", absent},
    {"spot-instance-request-id", absent},
    {"state-reason-code",
     [](const Instance& i) { return one_or_none(control::visible_state_reason(i).code); }},
    {"state-reason-message",
     [](const Instance& i) { return one_or_none(control::visible_state_reason(i).message); }},
    {"subnet-id", absent},
    {"tenancy", [](const Instance&) { return one("default"); }},
    {"virtualization-type", [](const Instance&) { return one("hvm"); }},
    {"vpc-id", absent},
};

}  // namespace

std::span<const FilterField<control::Instance>> instance_filters() { return kFields; }

const control::Tags& instance_tags(const control::Instance& instance) { return instance.tags; }

}  // namespace cumulet::api
