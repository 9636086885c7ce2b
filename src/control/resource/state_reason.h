// The state reasons of the EC2 API that this cloud gives, each in this one place.
#pragma once

#include <string>

#include "control/resource/instance.h"

namespace cumulet::control {

// StopInstances or TerminateInstances.
[[nodiscard]] inline StateReason user_initiated_shutdown() {
  return {"Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"};
}

// The guest powered itself off.
[[nodiscard]] inline StateReason instance_initiated_shutdown() {
  return {"Client.InstanceInitiatedShutdown",
          "Client.InstanceInitiatedShutdown: Instance initiated shutdown"};
}

// The whole cloud was taken down.
[[nodiscard]] inline StateReason scheduled_stop() {
  return {"Server.ScheduledStop", "Server.ScheduledStop: Stopped because the cloud was taken down"};
}

// The image or the guest made the launch impossible, e.g. an image that is no kernel.
[[nodiscard]] inline StateReason client_launch_error(const std::string& what) {
  return {"Client.InternalError", "Client.InternalError: Client error on launch: " + what};
}

// Our side failed: the VMM died, or could not be started.
[[nodiscard]] inline StateReason server_internal_error(const std::string& what) {
  return {"Server.InternalError", "Server.InternalError: " + what};
}

}  // namespace cumulet::control
