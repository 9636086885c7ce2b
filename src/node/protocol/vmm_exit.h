// VmmExit: why a VMM process ended, as the JSON file that it leaves behind.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cumulet::node {

enum class VmmExitReason : uint8_t {
  kPoweroff,     // the guest switched itself off (ACPI S5)
  kTripleFault,  // the guest's processor went into shutdown
  kDebugExit,    // the guest wrote `debug_exit_code` to port 0xf4
  kKilled,       // a control request "kill", or SIGTERM
  kFailure,      // the VMM could not start, or could not go on: `message`
};

struct VmmExit {
  VmmExitReason reason = VmmExitReason::kFailure;
  uint32_t debug_exit_code = 0;  // as written by the guest, when kDebugExit
  std::string message;           // one line for a person; empty when the reason says it all
  friend bool operator==(const VmmExit&, const VmmExit&) = default;
};

// Returns "poweroff", "triple_fault", "debug_exit", "killed" or "failure".
std::string_view exit_reason_name(VmmExitReason reason);

std::string encode_vmm_exit(const VmmExit& exit);
// Error kInvalidArgument: not an exit record.
Result<VmmExit> decode_vmm_exit(std::string_view json);

// Writes the record to `path` so that a reader sees all of it or nothing, even after a crash of the host: a
// temporary file beside it, fsync, rename. Error kIo.
Result<void> write_vmm_exit(const std::string& path, const VmmExit& exit);
// Errors: kNotFound (no such file: the VMM still runs, or was killed by the host), kIo, kInvalidArgument.
Result<VmmExit> read_vmm_exit(const std::string& path);

}  // namespace cumulet::node
