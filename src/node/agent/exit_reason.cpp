// From a VMM's exit record to a state reason.
#include "node/agent/exit_reason.h"

#include "control/resource/state_reason.h"

namespace cumulet::node {

using control::ExitKind;
using control::server_internal_error;

ExitReason explain_exit(const std::optional<VmmExit>& exit, bool ran) {
  if (!exit)
    return {ExitKind::kFailed, server_internal_error(ran ? "The instance's virtual machine process was killed"
                                                         : "Internal error on launch")};
  switch (exit->reason) {
    case VmmExitReason::kPoweroff: return {ExitKind::kGuestPoweroff, control::instance_initiated_shutdown()};
    case VmmExitReason::kKilled:
      return {ExitKind::kFailed, server_internal_error("The instance's virtual machine was killed")};
    case VmmExitReason::kTripleFault:
      return {
          ExitKind::kFailed,
          {"Client.InternalError", "Client.InternalError: The guest's processor shut down (triple fault)"}};
    case VmmExitReason::kDebugExit:
      return {ExitKind::kFailed,
              {"Client.InternalError", "Client.InternalError: The guest used its debug exit"}};
    case VmmExitReason::kFailure: break;
  }
  if (!ran) return {ExitKind::kFailed, control::client_launch_error(exit->message)};
  return {ExitKind::kFailed, server_internal_error(exit->message)};
}

}  // namespace cumulet::node
