// The agent of one host.
#include "node/agent/host_agent.h"

#include "base/log.h"
#include "control/resource/image_store.h"
#include "control/resource/instance_record.h"
#include "control/resource/instance_store.h"
#include "control/resource/instance_type.h"
#include "control/resource/keys.h"
#include "control/resource/state_reason.h"
#include "node/agent/exit_reason.h"
#include "node/agent/product_uuid.h"

namespace cumulet::node {

using control::DesiredState;
using control::ExitKind;
using control::Instance;
using control::InstanceId;
using control::Observed;
using control::Phase;
using control::StateReason;

namespace {
constexpr uint64_t kSoonMs = 50;    // a VMM is starting or ending
constexpr uint64_t kWatchMs = 500;  // how late the end of a VMM may be noticed
constexpr uint64_t kStoppingMs = 200;
constexpr uint64_t kPressAgainMs = 3'000;  // a guest that still boots does not see the first press
}  // namespace

HostAgent::HostAgent(store::Kv& kv, const Clock& clock, VmmProcesses& processes, control::HostId host,
                     AgentOptions options)
    : kv_(kv),
      clock_(clock),
      processes_(processes),
      host_(std::move(host)),
      options_(std::move(options)),
      name_("agent " + host_.str()) {}

std::string_view HostAgent::prefix() const { return control::kInstancePrefix; }

Result<std::optional<uint64_t>> HostAgent::reconcile(const std::string& key,
                                                     const std::optional<std::string>&) {
  const InstanceId id(key.substr(control::kInstancePrefix.size()));
  // The value may be older than the store: a step taken on it could undo a newer one.
  const auto instance = TRY(control::find_instance(kv_, id));
  if (!instance || instance->host != host_) return forget(id);
  return follow(*instance);
}

Result<> HostAgent::sweep() {
  const std::vector<InstanceId> ids = TRY(processes_.list());
  for (const InstanceId& id : ids) {
    const auto instance = TRY(control::find_instance(kv_, id));
    if (instance && instance->host == host_) continue;
    // A VMM needs a moment to die; the rest is done in the next start's sweep if it takes longer than this.
    spdlog::warn("{}: removing {}, which is not placed here", name_, id.str());
    TRY(forget(id));
  }
  return {};
}

// The instance is gone, or lives elsewhere: nothing of it may stay here.
Result<HostAgent::Again> HostAgent::forget(const InstanceId& id) {
  memory_.erase(id);
  const VmmSight sight = TRY(processes_.look(id));
  if (sight.presence == VmmPresence::kAlive) {
    TRY_VOID(processes_.kill(id));
    return kSoonMs;
  }
  TRY_VOID(processes_.remove_all(id));
  return std::nullopt;
}

Result<HostAgent::Again> HostAgent::follow(const Instance& instance) {
  if (instance.observed.phase == Phase::kRemoved) return std::nullopt;
  Memory& memory = memory_[instance.id];
  if (memory.launch != instance.desired.launch) memory = Memory{instance.desired.launch};
  VmmSight sight = TRY(processes_.look(instance.id));
  if (sight.launch != 0 && sight.launch != instance.desired.launch) {
    if (sight.presence == VmmPresence::kAlive) {
      TRY_VOID(processes_.kill(instance.id));
      return kSoonMs;
    }
    sight = VmmSight{};  // what an earlier launch left behind
  }
  switch (instance.desired.state) {
    case DesiredState::kRunning: return run(instance, sight);
    case DesiredState::kStopped: return stop(instance, sight);
    case DesiredState::kTerminated: break;
  }
  return terminate(instance, sight);
}

Result<HostAgent::Again> HostAgent::run(const Instance& instance, const VmmSight& sight) {
  const bool current = instance.observed.launch == instance.desired.launch;
  if (current && instance.observed.phase == Phase::kExited)
    return std::nullopt;  // control decides what follows
  switch (sight.presence) {
    case VmmPresence::kAlive: return watch_over(instance);
    case VmmPresence::kEnded: {
      const bool ran = current && instance.observed.phase == Phase::kRunning;
      const ExitReason reason = explain_exit(sight.exit, ran);
      TRY_VOID(report_exit(instance, reason.kind, reason.state_reason));
      return std::nullopt;
    }
    case VmmPresence::kAbsent: break;
  }
  if (current && instance.observed.phase == Phase::kRunning) {
    // Its files are gone: somebody removed them while it ran.
    TRY_VOID(report_exit(instance, ExitKind::kFailed,
                         control::server_internal_error("the instance's files are gone")));
    return std::nullopt;
  }
  return launch(instance);
}

Result<HostAgent::Again> HostAgent::launch(const Instance& instance) {
  Result<VmmConfig> config = make_config(instance);
  // A store that cannot be read now says nothing about the instance.
  if (!config && config.error().code != ErrorCode::kNotFound) return fail(std::move(config).error());
  Result<> started;
  if (config)
    started = processes_.start(instance.id, instance.desired.launch, std::move(*config));
  else
    started = fail(std::move(config).error());
  if (started) {
    spdlog::info("{}: started {} (launch {})", name_, instance.id.str(), instance.desired.launch);
    return kSoonMs;
  }
  if (started.error().code == ErrorCode::kAlreadyExists) return kSoonMs;
  spdlog::error("{}: {}: {}", name_, instance.id.str(), started.error().to_string());
  TRY_VOID(
      report_exit(instance, ExitKind::kFailed,
                  control::server_internal_error("Internal error on launch: " + started.error().message)));
  return std::nullopt;
}

Result<HostAgent::Again> HostAgent::watch_over(const Instance& instance) {
  const bool reported =
      instance.observed.launch == instance.desired.launch && instance.observed.phase == Phase::kRunning;
  if (!reported) return await_guest(instance);
  if (instance.desired.reboots != instance.observed.reboots) {
    // A crash between these two resets the guest once more: better than a lost reboot.
    TRY_VOID(processes_.reset(instance.id));
    Observed observed = instance.observed;
    observed.reboots = instance.desired.reboots;
    TRY_VOID(report(instance, std::move(observed)));
  }
  return kWatchMs;
}

Result<HostAgent::Again> HostAgent::await_guest(const Instance& instance) {
  if (processes_.is_guest_running(instance.id)) {
    spdlog::info("{}: {} runs", name_, instance.id.str());
    Observed observed;
    observed.phase = Phase::kRunning;
    observed.launch = instance.desired.launch;
    observed.reboots = instance.observed.reboots;
    observed.ran = true;
    TRY_VOID(report(instance, std::move(observed)));
    return kWatchMs;
  }
  Memory& memory = memory_[instance.id];
  if (!memory.starting_since_ms) memory.starting_since_ms = now_ms();
  if (now_ms() - *memory.starting_since_ms > options_.start_limit_ms) {
    spdlog::error("{}: {} did not start in time", name_, instance.id.str());
    TRY_VOID(processes_.kill(instance.id));
  }
  return kSoonMs;
}

Result<HostAgent::Again> HostAgent::stop(const Instance& instance, const VmmSight& sight) {
  const bool current = instance.observed.launch == instance.desired.launch;
  if (current && instance.observed.phase == Phase::kExited) return std::nullopt;
  if (sight.presence != VmmPresence::kAlive) {
    TRY_VOID(report_exit(instance, ExitKind::kStopped, {}));
    return std::nullopt;
  }
  const int64_t waited_ms = wall_ms() - instance.desired.since_ms;
  const bool patient = waited_ms >= 0 && static_cast<uint64_t>(waited_ms) < options_.stop_grace_ms;
  if (instance.desired.force || !patient) {
    TRY_VOID(processes_.kill(instance.id));
    return kSoonMs;
  }
  Memory& memory = memory_[instance.id];
  if (!memory.button_pressed_ms || now_ms() - *memory.button_pressed_ms >= kPressAgainMs) {
    memory.button_pressed_ms = now_ms();
    const Result<> pressed = processes_.press_power_button(instance.id);
    if (!pressed) spdlog::warn("{}: {}: {}", name_, instance.id.str(), pressed.error().to_string());
  }
  return kStoppingMs;
}

Result<HostAgent::Again> HostAgent::terminate(const Instance& instance, const VmmSight& sight) {
  if (sight.presence == VmmPresence::kAlive) {
    TRY_VOID(processes_.kill(instance.id));
    return kSoonMs;
  }
  TRY_VOID(processes_.remove(instance.id));
  Observed observed = instance.observed;
  observed.phase = Phase::kRemoved;
  TRY_VOID(report(instance, std::move(observed)));
  memory_.erase(instance.id);
  spdlog::info("{}: {} is terminated", name_, instance.id.str());
  return std::nullopt;
}

// kNotFound if the image or the type is gone.
Result<VmmConfig> HostAgent::make_config(const Instance& instance) {
  const auto image = TRY(control::find_image(kv_, instance.image_id));
  if (!image)
    return fail(ErrorCode::kNotFound, "the image " + instance.image_id.str() + " does not exist any more");
  const control::InstanceType* type = control::find_instance_type(instance.instance_type);
  if (type == nullptr) return fail(ErrorCode::kNotFound, "unknown instance type " + instance.instance_type);
  VmmConfig config;
  config.kernel = options_.state_folder / image->kernel_file;
  if (!image->initrd_file.empty()) config.initrd = options_.state_folder / image->initrd_file;
  config.command_line = image->command_line;
  config.memory_mib = type->memory_mib;
  config.vcpus = type->vcpus;
  config.engine = options_.engine;
  config.product_uuid = product_uuid(instance.id);
  return config;
}

// Writes what was observed, unless the instance was started anew meanwhile.
Result<> HostAgent::report(const Instance& instance, Observed observed) {
  observed.since_ms = wall_ms();
  TRY(control::update_instance(kv_, instance.id, [&](Instance& stored) -> Result<bool> {
    if (stored.host != host_ || stored.desired.launch != instance.desired.launch) return false;
    stored.observed = observed;
    return true;
  }));
  return {};
}

Result<> HostAgent::report_exit(const Instance& instance, ExitKind kind, StateReason reason) {
  Observed observed = instance.observed;
  const bool current = observed.launch == instance.desired.launch;
  // A guest that powered itself off did run, even if nobody looked in time.
  observed.ran = (current && observed.ran) || kind == ExitKind::kGuestPoweroff;
  observed.phase = Phase::kExited;
  observed.launch = instance.desired.launch;
  observed.exit = kind;
  observed.reason = std::move(reason);
  spdlog::info("{}: {} ended: {}", name_, instance.id.str(),
               observed.reason.code.empty() ? "as asked" : observed.reason.message);
  return report(instance, std::move(observed));
}

}  // namespace cumulet::node
