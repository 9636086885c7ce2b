// Start, stop, terminate, reboot: what users do to instances, as changes of the desired state.
#include <ctime>
#include <fmt/format.h>
#include <set>

#include "base/check.h"
#include "control/resource/allocation.h"
#include "control/resource/instance_record.h"
#include "control/resource/instance_store.h"
#include "control/resource/instance_type.h"
#include "control/resource/keys.h"
#include "control/resource/retry.h"
#include "control/resource/state_reason.h"

namespace cumulet::control {

namespace {

using ChangeOne = std::function<Result<bool>(Instance&, store::Transaction&)>;

Error wrong_state(const Instance& instance, std::string_view action) {
  return {
      ErrorCode::kFailedPrecondition,
      fmt::format("The instance '{}' is not in a state from which it can be {}.", instance.id.str(), action),
      std::string(instance_state_name(visible_state(instance)))};
}

Error protected_from(const Instance& instance, std::string_view action, std::string_view attribute) {
  return {ErrorCode::kPermissionDenied,
          fmt::format("The instance '{}' may not be {}. Modify its '{}' instance attribute and try again.",
                      instance.id.str(), action, attribute)};
}

std::string user_initiated(int64_t now_ms) {
  const time_t seconds = now_ms / 1000;
  tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &utc);
  return fmt::format("User initiated ({} GMT)", text);
}

// One attempt at an action on all the ids: `prepare` runs first, then `change` on each instance.
Result<std::vector<StateChange>> change_all(store::Kv& kv, const std::vector<InstanceId>& ids,
                                            store::Transaction& transaction, const ChangeOne& change) {
  struct Found {
    store::Entry entry;
    Instance instance;
  };
  // Every id is looked up before anything is judged: an unknown id is the first error a user sees.
  std::vector<Found> all;
  std::set<InstanceId> seen;
  std::string unknown;
  size_t unknown_count = 0;
  for (const InstanceId& id : ids) {
    if (!seen.insert(id).second) continue;
    auto entry = TRY(kv.get(instance_key(id)));
    if (entry) {
      Instance instance = TRY(decode_instance(entry->value));
      all.push_back({std::move(*entry), std::move(instance)});
    } else {
      unknown += (unknown_count++ == 0 ? "" : ", ") + id.str();
    }
  }
  if (unknown_count == 1)
    return fail(ErrorCode::kNotFound, "The instance ID '" + unknown + "' does not exist");
  if (unknown_count > 1) return fail(ErrorCode::kNotFound, "The instance IDs '" + unknown + "' do not exist");

  std::vector<StateChange> changes;
  for (Found& found : all) {
    const InstanceState previous = visible_state(found.instance);
    transaction.compares.push_back({found.entry.key, found.entry.revision});
    if (TRY(change(found.instance, transaction)))
      transaction.writes.push_back({found.entry.key, encode_instance(found.instance)});
    changes.push_back({found.instance.id, previous, visible_state(found.instance)});
  }
  TRY(kv.commit(transaction));
  return changes;
}

Result<std::vector<StateChange>> change_all_retrying(store::Kv& kv, const std::vector<InstanceId>& ids,
                                                     const ChangeOne& change) {
  return retry_on_conflict([&]() -> Result<std::vector<StateChange>> {
    store::Transaction transaction;
    return change_all(kv, ids, transaction, change);
  });
}

// Places a stopped instance anew and asks for its next launch.
Result<bool> start_one(Instance& instance, store::Transaction& transaction, Offers& offers,
                       const PlaceFunction& place, int64_t now_ms) {
  switch (visible_state(instance)) {
    case InstanceState::kPending:
    case InstanceState::kRunning: return false;
    case InstanceState::kStopped: break;
    default: return fail(wrong_state(instance, "started"));
  }
  const InstanceType* type = find_instance_type(instance.instance_type);
  if (type == nullptr)
    return fail(ErrorCode::kCorrupt, "a record of the store is damaged", instance.instance_type);
  const std::vector<HostId> hosts =
      TRY(place(PlacementRequest{type->capacity(), 1, 1, instance.zone}, offers.offers));
  CHECK(hosts.size() == 1);
  const HostOffer* chosen = offers.find(hosts.front());
  CHECK(chosen != nullptr);
  const std::string machine = chosen->machine;
  offers.guard(transaction, machine);
  transaction.writes.push_back({allocation_key(instance.id), encode_allocation({machine, type->capacity()})});
  for (HostOffer& offer : offers.offers) {  // for the next instance of the same call
    if (offer.machine != machine) continue;
    offer.free.vcpus -= type->vcpus;
    offer.free.memory_mib -= type->memory_mib;
  }
  instance.host = hosts.front();
  instance.launch_time_ms = now_ms;
  instance.desired.state = DesiredState::kRunning;
  instance.desired.launch += 1;
  instance.desired.reboots = instance.observed.reboots;
  instance.desired.force = false;
  instance.desired.since_ms = now_ms;
  instance.desired.reason = {};
  instance.desired.transition_reason = {};
  return true;
}

void end_by_user(Instance& instance, DesiredState state, bool force, int64_t now_ms) {
  instance.desired.state = state;
  instance.desired.force = force;
  instance.desired.since_ms = now_ms;
  instance.desired.reason = user_initiated_shutdown();
  instance.desired.transition_reason = user_initiated(now_ms);
}

}  // namespace

Result<std::vector<StateChange>> start_instances(store::Kv& kv, const std::vector<InstanceId>& ids,
                                                 const PlaceFunction& place, int64_t now_ms) {
  return retry_on_conflict([&]() -> Result<std::vector<StateChange>> {
    Offers offers = TRY(read_offers(kv));
    store::Transaction transaction;
    return change_all(kv, ids, transaction, [&](Instance& instance, store::Transaction& writes) {
      return start_one(instance, writes, offers, place, now_ms);
    });
  });
}

Result<std::vector<StateChange>> stop_instances(store::Kv& kv, const std::vector<InstanceId>& ids, bool force,
                                                int64_t now_ms) {
  return change_all_retrying(kv, ids, [&](Instance& instance, store::Transaction&) -> Result<bool> {
    switch (visible_state(instance)) {
      case InstanceState::kRunning: break;
      case InstanceState::kStopped: return false;
      case InstanceState::kStopping:
        // A forced stop does not wait for the guest that an earlier stop is waiting for.
        if (!force || instance.desired.force || instance.desired.state != DesiredState::kStopped)
          return false;
        instance.desired.force = true;
        return true;
      default: return fail(wrong_state(instance, "stopped"));
    }
    if (instance.disable_api_stop) return fail(protected_from(instance, "stopped", "disableApiStop"));
    end_by_user(instance, DesiredState::kStopped, force, now_ms);
    return true;
  });
}

Result<std::vector<StateChange>> terminate_instances(store::Kv& kv, const std::vector<InstanceId>& ids,
                                                     int64_t now_ms) {
  return change_all_retrying(kv, ids, [&](Instance& instance, store::Transaction&) -> Result<bool> {
    if (instance.desired.state == DesiredState::kTerminated) return false;
    if (instance.disable_api_termination)
      return fail(protected_from(instance, "terminated", "disableApiTermination"));
    end_by_user(instance, DesiredState::kTerminated, false, now_ms);
    return true;
  });
}

Result<> reboot_instances(store::Kv& kv, const std::vector<InstanceId>& ids) {
  TRY(change_all_retrying(kv, ids, [&](Instance& instance, store::Transaction&) -> Result<bool> {
    if (visible_state(instance) != InstanceState::kRunning) return fail(wrong_state(instance, "rebooted"));
    instance.desired.reboots += 1;
    return true;
  }));
  return {};
}

}  // namespace cumulet::control
