// Instance: what was asked for (desired), what its host reports (observed), and the state that users see.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "control/resource/ids.h"
#include "control/resource/tag.h"

namespace cumulet::control {

// The states of the EC2 API; the values are AWS's state codes.
enum class InstanceState : uint8_t {
  kPending = 0,
  kRunning = 16,
  kShuttingDown = 32,
  kTerminated = 48,
  kStopping = 64,
  kStopped = 80,
};

// Returns AWS's name, e.g. "shutting-down".
[[nodiscard]] std::string_view instance_state_name(InstanceState state);

// Why an instance left the running state, e.g. {"Client.UserInitiatedShutdown", "…: User initiated
// shutdown"}.
struct StateReason {
  std::string code = {};
  std::string message = {};
  friend bool operator==(const StateReason&, const StateReason&) = default;
};

// What a poweroff by the guest itself means.
enum class ShutdownBehavior : uint8_t { kStop, kTerminate };

enum class DesiredState : uint8_t { kRunning, kStopped, kTerminated };

// Written by the API and by the reconcilers.
struct Desired {
  DesiredState state = DesiredState::kRunning;
  uint64_t launch = 1;                 // raised by each start: which run of the instance is meant
  uint64_t reboots = 0;                // raised by each reboot
  bool force = false;                  // stop without asking the guest
  int64_t since_ms = 0;                // when `state` was asked for (Unix time)
  StateReason reason = {};             // why not running
  std::string transition_reason = {};  // e.g. "User initiated (2026-11-21 10:49:44 GMT)"
};

// How far the host got.
//   kNone ──► kRunning ──► kExited ──► kRemoved        (kNone may go to any later phase,
//     ▲________________________│ next launch            kRemoved is final)
enum class Phase : uint8_t {
  kNone,     // nothing runs for this launch yet
  kRunning,  // its VMM runs
  kExited,   // its VMM ended, for `reason`
  kRemoved,  // the host holds nothing of it any more
};

// How the VMM ended.
enum class ExitKind : uint8_t {
  kNone,           // it has not
  kStopped,        // because it was asked to
  kGuestPoweroff,  // the guest powered itself off
  kFailed,         // it could not start, crashed or was killed
};

// Written by the host's agent only.
struct Observed {
  Phase phase = Phase::kNone;
  uint64_t launch = 0;   // the launch that `phase` is about
  uint64_t reboots = 0;  // reboots done so far
  ExitKind exit = ExitKind::kNone;
  bool ran = false;         // this launch reached kRunning
  int64_t since_ms = 0;     // when `phase` was entered
  StateReason reason = {};  // of kExited
};

struct Instance {
  InstanceId id;
  ReservationId reservation_id;
  std::string owner_id;  // account
  ImageId image_id;
  std::string instance_type;
  std::string zone;            // fixed for life
  HostId host;                 // of the current or last launch
  uint32_t launch_index = 0;   // within the reservation
  int64_t launch_time_ms = 0;  // of the current or last launch
  std::string client_token = {};
  ShutdownBehavior shutdown_behavior = ShutdownBehavior::kStop;
  bool disable_api_termination = false;
  bool disable_api_stop = false;
  Tags tags = {};
  Desired desired = {};
  Observed observed = {};
};

// Returns the state that users see: a function of desired and observed.
[[nodiscard]] InstanceState visible_state(const Instance& instance);

// Returns why the instance is in its state, empty for a running one.
[[nodiscard]] StateReason visible_state_reason(const Instance& instance);

// True while the instance occupies its host: from launch until its VMM has ended.
[[nodiscard]] bool holds_capacity(const Instance& instance);

}  // namespace cumulet::control
