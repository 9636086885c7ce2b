// What users see of an instance, computed from desired and observed state.
#include "control/resource/instance.h"

namespace cumulet::control {

namespace {

// The host's report is about the launch that is meant now, not about an earlier one.
bool is_current(const Instance& instance) { return instance.observed.launch == instance.desired.launch; }

bool has_exited(const Instance& instance) {
  return instance.observed.phase == Phase::kExited && is_current(instance);
}

}  // namespace

std::string_view instance_state_name(InstanceState state) {
  switch (state) {
    case InstanceState::kPending: return "pending";
    case InstanceState::kRunning: return "running";
    case InstanceState::kShuttingDown: return "shutting-down";
    case InstanceState::kTerminated: return "terminated";
    case InstanceState::kStopping: return "stopping";
    case InstanceState::kStopped: return "stopped";
  }
  return "unknown";
}

InstanceState visible_state(const Instance& instance) {
  switch (instance.desired.state) {
    case DesiredState::kTerminated:
      return instance.observed.phase == Phase::kRemoved ? InstanceState::kTerminated
                                                        : InstanceState::kShuttingDown;
    case DesiredState::kStopped:
      return has_exited(instance) ? InstanceState::kStopped : InstanceState::kStopping;
    case DesiredState::kRunning: break;
  }
  if (is_current(instance) && instance.observed.phase == Phase::kRunning) return InstanceState::kRunning;
  // It ended by itself; a reconciler is about to make that a stop or a termination.
  if (has_exited(instance) && instance.observed.ran) return InstanceState::kStopping;
  return InstanceState::kPending;
}

StateReason visible_state_reason(const Instance& instance) {
  switch (visible_state(instance)) {
    case InstanceState::kRunning: return {};
    case InstanceState::kPending: return {"pending", "pending"};
    default: break;
  }
  if (!instance.desired.reason.code.empty()) return instance.desired.reason;
  return has_exited(instance) ? instance.observed.reason : StateReason{};
}

bool holds_capacity(const Instance& instance) {
  return instance.observed.phase != Phase::kRemoved && !has_exited(instance);
}

}  // namespace cumulet::control
