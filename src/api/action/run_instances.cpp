// RunInstances.
#include "api/action/actions.h"
#include "api/action/instance_view.h"
#include "api/action/launch_rules.h"
#include "api/action/resource_ids.h"
#include "control/resource/instance_store.h"

namespace cumulet::api {

namespace {

Outcome<ec2::Reservation> to_reservation(const control::LaunchResult& launched,
                                         const std::string& fingerprint, const std::string& owner_id) {
  if (launched.replayed && launched.fingerprint != fingerprint) {
    return refuse(
        ApiCode::kIdempotentParameterMismatch,
        "The client token was used before with different parameters; the same token needs the same request");
  }
  auto reservations = to_reservations(launched.instances);
  if (!reservations.empty()) return std::move(reservations.front());
  ec2::Reservation empty;  // all of its instances are terminated and forgotten
  empty.reservation_id = launched.reservation_id.str();
  empty.owner_id = owner_id;
  empty.groups.emplace();
  empty.instances.emplace();
  return empty;
}

}  // namespace

Outcome<ec2::Reservation> run_instances(ActionContext& context, const ec2::RunInstancesRequest& request) {
  const std::string& owner_id = context.caller.identity.account_id;
  const std::string fingerprint = launch_fingerprint(context.parameters);
  const std::string token = TRY(read_client_token(request.client_token));
  TRY_VOID(refuse_unsupported_launch(request));
  if (!token.empty()) {
    // Before the checks against the store: a repeated request gets its answer even if, say, its image is gone
    // since.
    auto before = TRY(control::find_client_token(context.cloud.kv, owner_id, token));
    if (before) {
      TRY_VOID(check_dry_run(request.dry_run));
      before->replayed = true;
      return to_reservation(*before, fingerprint, owner_id);
    }
  }
  control::LaunchRequest launch = TRY(read_launch(context.cloud, request));
  launch.owner_id = owner_id;
  launch.client_token = token;
  launch.fingerprint = fingerprint;
  TRY_VOID(check_dry_run(request.dry_run));
  auto launched = control::launch_instances(context.cloud.kv, context.cloud.ids, context.cloud.place, launch,
                                            context.cloud.now_ms());
  if (launched) return to_reservation(*launched, fingerprint, owner_id);
  if (launched.error().code != ErrorCode::kNotFound) return tl::unexpected(ApiError(launched.error()));
  // The image was deregistered since it was checked, or else the zone has no host.
  TRY(find_known_image(context.cloud.kv, launch.image_id));
  return refuse(ApiCode::kInsufficientInstanceCapacity, launched.error().message);
}

}  // namespace cumulet::api
