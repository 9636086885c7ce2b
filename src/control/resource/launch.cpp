// RunInstances in the store: one transaction makes the instances, their allocations and the client token.
#include <algorithm>

#include "base/check.h"
#include "control/resource/allocation.h"
#include "control/resource/image_store.h"
#include "control/resource/instance_record.h"
#include "control/resource/instance_store.h"
#include "control/resource/instance_type.h"
#include "control/resource/keys.h"
#include "control/resource/retry.h"
#include "control/resource/token_record.h"

namespace cumulet::control {

namespace {

Instance make_instance(IdSource& ids, const LaunchRequest& request, const ReservationId& reservation,
                       const HostOffer& host, uint32_t launch_index, int64_t now_ms) {
  Instance instance;
  instance.id = make_id<InstanceTag>(ids);
  instance.reservation_id = reservation;
  instance.owner_id = request.owner_id;
  instance.image_id = request.image_id;
  instance.instance_type = request.instance_type;
  instance.zone = host.zone;
  instance.host = host.host;
  instance.launch_index = launch_index;
  instance.launch_time_ms = now_ms;
  instance.client_token = request.client_token;
  instance.shutdown_behavior = request.shutdown_behavior;
  instance.disable_api_termination = request.disable_api_termination;
  instance.disable_api_stop = request.disable_api_stop;
  instance.tags = request.tags;
  instance.desired.since_ms = now_ms;
  instance.observed.since_ms = now_ms;
  return instance;
}

// One attempt; kConflict if something it read has changed meanwhile.
Result<LaunchResult> try_launch(store::Kv& kv, IdSource& ids, const PlaceFunction& place,
                                const LaunchRequest& request, const InstanceType& type, int64_t now_ms) {
  store::Transaction transaction;
  const auto image = TRY(kv.get(image_key(request.image_id)));
  if (!image)
    return fail(ErrorCode::kNotFound, "The image id '[" + request.image_id.str() + "]' does not exist");
  transaction.compares.push_back({image->key, image->revision});

  Offers offers = TRY(read_offers(kv));
  const PlacementRequest question{type.capacity(), request.min_count, request.max_count, request.zone};
  const std::vector<HostId> hosts = TRY(place(question, offers.offers));
  CHECK(hosts.size() >= request.min_count && hosts.size() <= request.max_count);

  LaunchResult result;
  result.reservation_id = make_id<ReservationTag>(ids);
  result.fingerprint = request.fingerprint;
  TokenRecord token{request.fingerprint, result.reservation_id, {}};
  for (const HostId& host : hosts) {
    const HostOffer* offer = offers.find(host);
    CHECK(offer != nullptr);
    const auto index = static_cast<uint32_t>(result.instances.size());
    Instance instance = make_instance(ids, request, result.reservation_id, *offer, index, now_ms);
    token.instances.push_back(instance.id);
    offers.guard(transaction, offer->machine);
    transaction.compares.push_back({instance_key(instance.id), 0});
    transaction.writes.push_back({instance_key(instance.id), encode_instance(instance)});
    transaction.writes.push_back(
        {allocation_key(instance.id), encode_allocation({offer->machine, type.capacity()})});
    result.instances.push_back(std::move(instance));
  }
  if (!request.client_token.empty()) {
    const std::string key = client_token_key(request.owner_id, request.client_token);
    transaction.compares.push_back({key, 0});
    transaction.writes.push_back({key, encode_token(token)});
  }
  TRY(kv.commit(transaction));
  return result;
}

}  // namespace

Result<std::optional<LaunchResult>> find_client_token(store::Kv& kv, const std::string& owner_id,
                                                      const std::string& client_token) {
  const auto entry = TRY(kv.get(client_token_key(owner_id, client_token)));
  if (!entry) return std::nullopt;
  TokenRecord record = TRY(decode_token(entry->value));
  LaunchResult result{record.reservation, {}, true, std::move(record.fingerprint)};
  for (const InstanceId& id : record.instances)
    if (auto instance = TRY(find_instance(kv, id))) result.instances.push_back(std::move(*instance));
  return result;
}

Result<LaunchResult> launch_instances(store::Kv& kv, IdSource& ids, const PlaceFunction& place,
                                      const LaunchRequest& request, int64_t now_ms) {
  CHECK(request.min_count >= 1 && request.min_count <= request.max_count);
  const InstanceType* type = find_instance_type(request.instance_type);
  if (type == nullptr)
    return fail(ErrorCode::kInvalidArgument,
                "Invalid value '" + request.instance_type + "' for InstanceType.");
  return retry_on_conflict([&]() -> Result<LaunchResult> {
    if (!request.client_token.empty())
      if (auto before = TRY(find_client_token(kv, request.owner_id, request.client_token)))
        return std::move(*before);
    return try_launch(kv, ids, place, request, *type, now_ms);
  });
}

}  // namespace cumulet::control
