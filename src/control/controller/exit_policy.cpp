// What follows when an instance ended by itself.
#include "control/controller/exit_policy.h"

#include "control/resource/instance_record.h"
#include "control/resource/instance_store.h"
#include "control/resource/keys.h"
#include "control/resource/state_reason.h"

namespace cumulet::control {

namespace {

bool ended_by_itself(const Instance& instance) {
  return instance.desired.state == DesiredState::kRunning && instance.observed.phase == Phase::kExited &&
         instance.observed.launch == instance.desired.launch;
}

void apply_policy(Instance& instance, int64_t now_ms) {
  const Observed& observed = instance.observed;
  const bool terminate = observed.exit == ExitKind::kGuestPoweroff
                             ? instance.shutdown_behavior == ShutdownBehavior::kTerminate
                             : !observed.ran && instance.desired.launch == 1;
  instance.desired.state = terminate ? DesiredState::kTerminated : DesiredState::kStopped;
  instance.desired.since_ms = now_ms;
  instance.desired.reason =
      observed.exit == ExitKind::kGuestPoweroff ? instance_initiated_shutdown() : observed.reason;
  instance.desired.transition_reason =
      observed.exit == ExitKind::kGuestPoweroff ? std::string() : observed.reason.code;
}

}  // namespace

std::string_view ExitPolicy::prefix() const { return kInstancePrefix; }

Result<std::optional<uint64_t>> ExitPolicy::reconcile(const std::string&,
                                                      const std::optional<std::string>& value) {
  if (!value) return std::nullopt;
  const Instance seen = TRY(decode_instance(*value));
  if (!ended_by_itself(seen)) return std::nullopt;
  const auto now_ms = static_cast<int64_t>(clock_.wall_ns() / 1'000'000);
  TRY(update_instance(kv_, seen.id, [&](Instance& instance) -> Result<bool> {
    if (!ended_by_itself(instance)) return false;
    apply_policy(instance, now_ms);
    return true;
  }));
  return std::nullopt;
}

}  // namespace cumulet::control
