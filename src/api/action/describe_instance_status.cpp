// DescribeInstanceStatus: the state of instances, and the two status checks.
#include "api/action/actions.h"
#include "api/action/instance_filters.h"
#include "api/action/instance_view.h"
#include "api/action/paging.h"
#include "api/action/resource_ids.h"
#include "control/resource/instance_store.h"

namespace cumulet::api {

namespace {

using control::Instance;
using control::InstanceState;

// The checks of an instance that runs are passed: its VMM answers the host, and there is no network yet over
// which it could be unreachable. Nothing is known of others.
bool is_checked(const Instance& instance) {
  return control::visible_state(instance) == InstanceState::kRunning;
}

std::string_view check_status(const Instance& instance) {
  return is_checked(instance) ? "ok" : "not-applicable";
}

std::vector<std::string> no_events(const Instance&) { return {}; }
std::vector<std::string> summary(const Instance& instance) { return one(check_status(instance)); }
std::vector<std::string> reachability(const Instance& instance) {
  return one_or_none(is_checked(instance) ? "passed" : "");
}

constexpr FilterField<Instance> kFields[] = {
    {"availability-zone", [](const Instance& i) { return one(i.zone); }},
    {"event.code", no_events},
    {"event.description", no_events},
    {"event.instance-event-id", no_events},
    {"event.not-after", no_events},
    {"event.not-before", no_events},
    {"event.not-before-deadline", no_events},
    {"instance-state-code",
     [](const Instance& i) { return one(std::to_string(static_cast<int>(control::visible_state(i)))); }},
    {"instance-state-name",
     [](const Instance& i) { return one(control::instance_state_name(control::visible_state(i))); }},
    {"instance-status.reachability", reachability},
    {"instance-status.status", summary},
    {"system-status.reachability", reachability},
    {"system-status.status", summary},
};

ec2::InstanceStatusSummary to_summary(const Instance& instance) {
  ec2::InstanceStatusSummary view;
  view.status = std::string(check_status(instance));
  if (!is_checked(instance)) return view;
  ec2::InstanceStatusDetails& details = view.details.emplace().emplace_back();
  details.name = "reachability";
  details.status = "passed";
  return view;
}

}  // namespace

Outcome<ec2::DescribeInstanceStatusResult> describe_instance_status(
    ActionContext& context, const ec2::DescribeInstanceStatusRequest& request) {
  bool by_id = !items(request.instance_ids).empty();
  TRY_VOID(refuse_ids_with_max_results(by_id, request.max_results, "instancesSet"));
  std::vector<control::InstanceId> ids;
  if (by_id) ids = TRY(parse_instance_ids(*request.instance_ids));
  TRY_VOID(check_dry_run(request.dry_run));
  auto instances =
      by_id ? TRY(find_instances(context.cloud.kv, ids)) : TRY(control::list_instances(context.cloud.kv));
  if (!request.include_all_instances.value_or(false)) {
    std::erase_if(instances, [](const Instance& instance) { return !is_checked(instance); });
  }
  TRY_VOID(apply_filters<Instance>(request.filters, kFields, nullptr, instances));
  sort_instances(instances);
  PageRequest page{"DescribeInstanceStatus", request.max_results, request.next_token};
  ec2::DescribeInstanceStatusResult result;
  result.next_token = TRY(take_page(context, page, instance_order_key, instances));
  auto& statuses = result.instance_statuses.emplace();
  for (const Instance& instance : instances) {
    ec2::InstanceStatus& view = statuses.emplace_back();
    view.instance_id = instance.id.str();
    view.availability_zone = instance.zone;
    view.instance_state = to_state(control::visible_state(instance));
    view.instance_status = to_summary(instance);
    view.system_status = to_summary(instance);
  }
  return result;
}

}  // namespace cumulet::api
