// What EC2 says about an instance, for instances that have neither a network nor disks.
#include "api/action/instance_view.h"

#include <algorithm>
#include <fmt/format.h>

#include "api/action/tag_rules.h"
#include "control/resource/instance_type.h"

namespace cumulet::api {

ec2::InstanceState to_state(control::InstanceState state) {
  ec2::InstanceState result;
  result.code = static_cast<int64_t>(state);
  result.name = std::string(control::instance_state_name(state));
  return result;
}

namespace {

void add_state(const control::Instance& instance, ec2::Instance& view) {
  view.state = to_state(control::visible_state(instance));
  bool running = instance.desired.state == control::DesiredState::kRunning;
  view.state_transition_reason = running ? "" : instance.desired.transition_reason;
  control::StateReason reason = control::visible_state_reason(instance);
  if (reason.code.empty()) return;
  auto& view_reason = view.state_reason.emplace();
  view_reason.code = reason.code;
  view_reason.message = reason.message;
}

// What is the same for every instance, in AWS's words.
void add_constants(ec2::Instance& view) {
  view.architecture = "x86_64";
  view.hypervisor = "xen";  // AWS's answer for Nitro too
  view.virtualization_type = "hvm";
  view.root_device_type = "instance-store";
  view.platform_details = "Linux/UNIX";
  view.usage_operation = "RunInstances";
  view.ebs_optimized = false;
  view.ena_support = false;
  view.private_dns_name = "";
  view.public_dns_name = "";
  view.monitoring.emplace().state = "disabled";
  view.hibernation_options.emplace().configured = false;
  view.enclave_options.emplace().enabled = false;
  view.capacity_reservation_specification.emplace().capacity_reservation_preference = "open";
  view.maintenance_options.emplace().auto_recovery = "default";
  // Present and empty, because clients iterate over them without asking.
  view.block_device_mappings.emplace();
  view.network_interfaces.emplace();
  view.product_codes.emplace();
  view.security_groups.emplace();
}

}  // namespace

ec2::Instance to_instance(const control::Instance& instance) {
  ec2::Instance view;
  add_constants(view);
  add_state(instance, view);
  view.instance_id = instance.id.str();
  view.image_id = instance.image_id.str();
  view.instance_type = instance.instance_type;
  view.ami_launch_index = instance.launch_index;
  view.launch_time = Timestamp{instance.launch_time_ms};
  if (!instance.client_token.empty()) view.client_token = instance.client_token;
  auto& placement = view.placement.emplace();
  placement.availability_zone = instance.zone;
  placement.group_name = "";
  placement.tenancy = "default";
  view.tags = to_tag_list(instance.tags);
  if (const auto* type = control::find_instance_type(instance.instance_type)) {
    auto& cpu = view.cpu_options.emplace();
    cpu.core_count = type->vcpus / type->threads_per_core;
    cpu.threads_per_core = type->threads_per_core;
  }
  return view;
}

std::vector<ec2::Reservation> to_reservations(const std::vector<control::Instance>& instances) {
  std::vector<ec2::Reservation> reservations;
  for (const control::Instance& instance : instances) {
    if (reservations.empty() || reservations.back().reservation_id != instance.reservation_id.str()) {
      ec2::Reservation& reservation = reservations.emplace_back();
      reservation.reservation_id = instance.reservation_id.str();
      reservation.owner_id = instance.owner_id;
      reservation.groups.emplace();
      reservation.instances.emplace();
    }
    reservations.back().instances->push_back(to_instance(instance));
  }
  return reservations;
}

std::string instance_order_key(const control::Instance& instance) {
  return fmt::format("{}/{:08}", instance.reservation_id.str(), instance.launch_index);
}

void sort_instances(std::vector<control::Instance>& instances) {
  std::sort(instances.begin(), instances.end(),
            [](const auto& a, const auto& b) { return instance_order_key(a) < instance_order_key(b); });
}

std::vector<ec2::InstanceStateChange> to_state_changes(const std::vector<control::StateChange>& changes) {
  std::vector<ec2::InstanceStateChange> views;
  for (const control::StateChange& change : changes) {
    ec2::InstanceStateChange& view = views.emplace_back();
    view.instance_id = change.id.str();
    view.previous_state = to_state(change.previous);
    view.current_state = to_state(change.current);
  }
  return views;
}

}  // namespace cumulet::api
