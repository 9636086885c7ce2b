// Instance views: our instances as the structures of API responses.
#pragma once

#include <string>
#include <vector>

#include "api/shape/ec2_shapes.h"
#include "control/resource/instance.h"
#include "control/resource/instance_store.h"

namespace cumulet::api {

ec2::InstanceState to_state(control::InstanceState state);

ec2::Instance to_instance(const control::Instance& instance);

// Returns the reservations of the instances, which must be sorted by instance_order_key().
std::vector<ec2::Reservation> to_reservations(const std::vector<control::Instance>& instances);

// The order in which Describe calls list and page instances: by reservation, then by launch index.
std::string instance_order_key(const control::Instance& instance);

// Sorts by instance_order_key().
void sort_instances(std::vector<control::Instance>& instances);

std::vector<ec2::InstanceStateChange> to_state_changes(const std::vector<control::StateChange>& changes);

}  // namespace cumulet::api
