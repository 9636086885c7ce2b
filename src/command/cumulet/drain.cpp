// Stopping every instance.
#include "command/cumulet/drain.h"

#include <chrono>
#include <fmt/format.h>
#include <thread>

#include "base/clock.h"
#include "command/cumulet/progress.h"
#include "control/resource/instance_store.h"
#include "control/resource/state_reason.h"

namespace cumulet::command {

using control::DesiredState;
using control::Instance;
using control::InstanceState;

namespace {

constexpr std::chrono::seconds kLimit(
    300);  // guests get their grace, then they are killed: it ends long before
constexpr std::chrono::milliseconds kPause(50);

bool is_at_rest(const Instance& instance) {
  const InstanceState state = control::visible_state(instance);
  return state == InstanceState::kStopped || state == InstanceState::kTerminated;
}

Result<> ask_to_stop(store::Kv& kv, const Instance& seen, int64_t now_ms) {
  const auto updated = control::update_instance(kv, seen.id, [&](Instance& instance) -> Result<bool> {
    if (instance.desired.state != DesiredState::kRunning) return false;
    instance.desired.state = DesiredState::kStopped;
    instance.desired.force = false;
    instance.desired.since_ms = now_ms;
    instance.desired.reason = control::scheduled_stop();
    instance.desired.transition_reason = instance.desired.reason.code;
    return true;
  });
  // It may have been forgotten since it was listed.
  if (!updated && updated.error().code != ErrorCode::kNotFound) return fail(updated.error());
  return {};
}

}  // namespace

Result<bool> needs_drain(store::Kv& kv) {
  const std::vector<Instance> instances = TRY(control::list_instances(kv));
  for (const Instance& instance : instances)
    if (!is_at_rest(instance)) return true;
  return false;
}

Result<> drain(store::Kv& kv) {
  const SystemClock clock;
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  Progress progress;
  while (true) {
    size_t left = 0;
    const std::vector<Instance> instances = TRY(control::list_instances(kv));
    for (const Instance& instance : instances) {
      if (is_at_rest(instance)) continue;
      ++left;
      if (instance.desired.state == DesiredState::kRunning)
        TRY_VOID(ask_to_stop(kv, instance, static_cast<int64_t>(clock.wall_ns() / 1'000'000)));
    }
    if (left == 0) return {};
    if (std::chrono::steady_clock::now() > deadline)
      return fail(ErrorCode::kTimedOut, fmt::format("{} instance(s) do not stop", left));
    progress.tell(fmt::format("waiting for {} instance(s) to stop", left));
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace cumulet::command
