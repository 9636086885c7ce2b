// DescribeInstances.
#include "api/action/actions.h"
#include "api/action/instance_filters.h"
#include "api/action/instance_view.h"
#include "api/action/paging.h"
#include "api/action/resource_ids.h"
#include "control/resource/instance_store.h"

namespace cumulet::api {

Outcome<ec2::DescribeInstancesResult> describe_instances(ActionContext& context,
                                                         const ec2::DescribeInstancesRequest& request) {
  bool by_id = !items(request.instance_ids).empty();
  TRY_VOID(refuse_ids_with_max_results(by_id, request.max_results, "instancesSet"));
  std::vector<control::InstanceId> ids;
  if (by_id) ids = TRY(parse_instance_ids(*request.instance_ids));
  TRY_VOID(check_dry_run(request.dry_run));
  auto instances =
      by_id ? TRY(find_instances(context.cloud.kv, ids)) : TRY(control::list_instances(context.cloud.kv));
  TRY_VOID(apply_filters<control::Instance>(request.filters, instance_filters(), instance_tags, instances));
  sort_instances(instances);
  PageRequest page{"DescribeInstances", request.max_results, request.next_token};
  ec2::DescribeInstancesResult result;
  result.next_token = TRY(take_page(context, page, instance_order_key, instances));
  result.reservations = to_reservations(instances);
  return result;
}

}  // namespace cumulet::api
