// Instances and reservations in the store: create, find, change; every change is one transaction.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/resource/instance.h"
#include "control/resource/placement.h"
#include "store/kv/kv.h"

namespace cumulet::control {

// What RunInstances asks for. The caller has validated every field.
struct LaunchRequest {
  std::string owner_id;
  ImageId image_id;
  std::string instance_type;
  uint32_t min_count = 1;
  uint32_t max_count = 1;
  std::optional<std::string> zone = {};
  ShutdownBehavior shutdown_behavior = ShutdownBehavior::kStop;
  bool disable_api_termination = false;
  bool disable_api_stop = false;
  Tags tags = {};
  std::string client_token = {};  // empty: none
  std::string fingerprint = {};   // of the request's parameters, to recognize a changed one
};

struct LaunchResult {
  ReservationId reservation_id;
  std::vector<Instance> instances;  // by launch index
  bool replayed = false;            // the client token was used before: these are its instances
  std::string fingerprint = {};     // of the request that made them
};

// Makes a reservation with its instances, their capacity and the client token's record, all or nothing.
// `now_ms` is Unix time. Errors: kInvalidArgument (unknown instance type), kNotFound (image or zone),
// kResourceExhausted (no capacity for min_count).
[[nodiscard]] Result<LaunchResult> launch_instances(store::Kv& kv, IdSource& ids, const PlaceFunction& place,
                                                    const LaunchRequest& request, int64_t now_ms);

// Returns what the client token made before, or none. Use it to tell a repeated request from a changed one.
[[nodiscard]] Result<std::optional<LaunchResult>> find_client_token(store::Kv& kv,
                                                                    const std::string& owner_id,
                                                                    const std::string& client_token);

// Returns the instance, or none.
[[nodiscard]] Result<std::optional<Instance>> find_instance(store::Kv& kv, const InstanceId& id);

// Returns all instances by id, terminated ones that are still visible included.
[[nodiscard]] Result<std::vector<Instance>> list_instances(store::Kv& kv);

struct StateChange {
  InstanceId id;
  InstanceState previous;
  InstanceState current;
};

// The four user actions below are all or nothing over their ids; a repeated id counts once. Errors of all:
// kNotFound if an id is unknown, kFailedPrecondition if an instance is in a state that does not allow it.

// Stopped becomes pending; pending and running stay. kResourceExhausted if there is no capacity in its zone.
[[nodiscard]] Result<std::vector<StateChange>> start_instances(store::Kv& kv,
                                                               const std::vector<InstanceId>& ids,
                                                               const PlaceFunction& place, int64_t now_ms);

// Running becomes stopping; stopping and stopped stay. `force` does not wait for the guest.
// kPermissionDenied if an instance is protected from stopping.
[[nodiscard]] Result<std::vector<StateChange>> stop_instances(store::Kv& kv,
                                                              const std::vector<InstanceId>& ids, bool force,
                                                              int64_t now_ms);

// Any state becomes shutting-down; shutting-down and terminated stay.
// kPermissionDenied if an instance is protected from termination.
[[nodiscard]] Result<std::vector<StateChange>> terminate_instances(store::Kv& kv,
                                                                   const std::vector<InstanceId>& ids,
                                                                   int64_t now_ms);

// Asks the hosts to reset running instances.
[[nodiscard]] Result<> reboot_instances(store::Kv& kv, const std::vector<InstanceId>& ids);

// Reads the instance, lets `change` alter it, and writes it back, again if another writer came between.
// `change` returns false to leave it as it is. Returns the instance as stored; kNotFound if there is none.
[[nodiscard]] Result<Instance> update_instance(store::Kv& kv, const InstanceId& id,
                                               const std::function<Result<bool>(Instance&)>& change);

// Forgets a terminated instance, and with the last of its reservation also the client token.
[[nodiscard]] Result<> delete_instance(store::Kv& kv, const InstanceId& id);

}  // namespace cumulet::control
