// The loop over resets, and requests from other threads.
#include "hypervisor/machine/life_cycle.h"

namespace cumulet::hypervisor {

LifeCycle::LifeCycle(MachineConfig config, EngineFactory make_engine, ConsoleSink console, const Clock& clock)
    : config_(std::move(config)),
      make_engine_(std::move(make_engine)),
      console_(std::move(console)),
      clock_(clock) {}

MachineEnd LifeCycle::run() {
  MachineEnd how = run_once();
  while (how.reason == EndReason::kReset) {
    {
      std::lock_guard lock(lock_);
      ++resets_;
      state_ = State::kStarting;
    }
    how = run_once();
  }
  std::lock_guard lock(lock_);
  state_ = State::kEnded;
  return how;
}

MachineEnd LifeCycle::run_once() {
  Result<std::unique_ptr<Machine>> built = Machine::create(config_, make_engine_, console_, clock_);
  if (!built) return failure_end(built.error());
  Machine* machine = built->get();
  {
    std::lock_guard lock(lock_);
    if (kill_requested_) return {EndReason::kKilled, 0, {}};
    machine_ = std::move(*built);
    engine_ = machine->engine_name();
    state_ = State::kRunning;
  }
  MachineEnd how = machine->run();
  std::unique_ptr<Machine> finished;  // destroyed outside the lock: that joins threads
  {
    std::lock_guard lock(lock_);
    finished = std::move(machine_);
    state_ = how.reason == EndReason::kReset ? State::kResetting : State::kEnded;
    if (kill_requested_ && how.reason == EndReason::kReset) how = {EndReason::kKilled, 0, {}};
  }
  return how;
}

Result<void> LifeCycle::press_power_button() {
  std::lock_guard lock(lock_);
  if (!machine_) return fail(ErrorCode::kFailedPrecondition, "the virtual machine is not running");
  machine_->press_power_button();
  return {};
}

Result<void> LifeCycle::reset() {
  std::lock_guard lock(lock_);
  if (!machine_) return fail(ErrorCode::kFailedPrecondition, "the virtual machine is not running");
  machine_->end({EndReason::kReset, 0, {}});
  return {};
}

void LifeCycle::kill() {
  std::lock_guard lock(lock_);
  kill_requested_ = true;
  if (machine_) machine_->end({EndReason::kKilled, 0, {}});
}

void LifeCycle::send_input(ByteView bytes) {
  std::lock_guard lock(lock_);
  if (machine_) machine_->send_input(bytes);
}

LifeCycle::Status LifeCycle::status() const {
  std::lock_guard lock(lock_);
  return {state_, engine_, resets_};
}

std::string_view state_name(LifeCycle::State state) {
  switch (state) {
    case LifeCycle::State::kStarting: return "starting";
    case LifeCycle::State::kRunning: return "running";
    case LifeCycle::State::kResetting: return "resetting";
    case LifeCycle::State::kEnded: return "ended";
  }
  return "unknown";
}

}  // namespace cumulet::hypervisor
