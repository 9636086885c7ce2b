// StartInstances, StopInstances, RebootInstances, TerminateInstances: all or nothing over their ids.
#include "api/action/actions.h"
#include "api/action/instance_view.h"
#include "api/action/resource_ids.h"
#include "control/resource/instance_store.h"

namespace cumulet::api {

namespace {

// The ids of a request, each well-formed and known, before anything is changed.
Outcome<std::vector<control::InstanceId>> known_ids(ActionContext& context,
                                                    const std::optional<std::vector<std::string>>& texts,
                                                    const std::optional<bool>& dry_run) {
  auto ids = TRY(parse_instance_ids(items(texts)));
  TRY(find_instances(context.cloud.kv, ids));
  TRY_VOID(check_dry_run(dry_run));
  return ids;
}

}  // namespace

Outcome<ec2::StartInstancesResult> start_instances(ActionContext& context,
                                                   const ec2::StartInstancesRequest& request) {
  if (request.additional_info && !request.additional_info->empty()) {
    return refuse(ApiCode::kUnsupportedOperation,
                  "The parameter AdditionalInfo is reserved and not supported.");
  }
  auto ids = TRY(known_ids(context, request.instance_ids, request.dry_run));
  auto changes =
      TRY(control::start_instances(context.cloud.kv, ids, context.cloud.place, context.cloud.now_ms()));
  ec2::StartInstancesResult result;
  result.starting_instances = to_state_changes(changes);
  return result;
}

Outcome<ec2::StopInstancesResult> stop_instances(ActionContext& context,
                                                 const ec2::StopInstancesRequest& request) {
  if (request.hibernate.value_or(false)) {
    return refuse(ApiCode::kUnsupportedOperation, "Instances cannot be hibernated in this cloud.");
  }
  auto ids = TRY(known_ids(context, request.instance_ids, request.dry_run));
  auto changes = TRY(
      control::stop_instances(context.cloud.kv, ids, request.force.value_or(false), context.cloud.now_ms()));
  ec2::StopInstancesResult result;
  result.stopping_instances = to_state_changes(changes);
  return result;
}

Outcome<Acknowledged> reboot_instances(ActionContext& context, const ec2::RebootInstancesRequest& request) {
  auto ids = TRY(known_ids(context, request.instance_ids, request.dry_run));
  TRY_VOID(control::reboot_instances(context.cloud.kv, ids));
  return Acknowledged{};
}

Outcome<ec2::TerminateInstancesResult> terminate_instances(ActionContext& context,
                                                           const ec2::TerminateInstancesRequest& request) {
  auto ids = TRY(known_ids(context, request.instance_ids, request.dry_run));
  auto changes = TRY(control::terminate_instances(context.cloud.kv, ids, context.cloud.now_ms()));
  ec2::TerminateInstancesResult result;
  result.terminating_instances = to_state_changes(changes);
  return result;
}

}  // namespace cumulet::api
