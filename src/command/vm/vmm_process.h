// The life of a cumulet-vmm process: from its configuration file to its exit record.
#pragma once

#include <string>

namespace cumulet::command {

// Exit statuses of the process; the reason in words is in the exit record.
inline constexpr int kVmmEnded = 0;           // the guest ended in some way, or was killed
inline constexpr int kVmmFailed = 1;          // the VM could not start or go on
inline constexpr int kVmmBadConfig = 2;       // no usable configuration: there is no exit record
inline constexpr int kVmmAlreadyRunning = 3;  // another process holds the lock file: nothing was touched

// Runs the instance that `config_path` describes. Returns when the VM has ended and the record is written.
int run_vmm_process(const std::string& config_path);

}  // namespace cumulet::command
