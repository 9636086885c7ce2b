// spawn_vmm(): starts a VMM as a process of its own that outlives this one.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"
#include "node/agent/vmm_lock.h"

namespace cumulet::node {

// Runs `arguments` (the first is the program's path) in a new session with standard input from /dev/null and
// output and errors appended to `log_file`. The lock goes to the process, which writes "<launch> <its id>"
// into it before the program begins. Returns the process id. Errors: kIo, kResourceExhausted. A program that
// cannot be executed shows as a process that ended, with the reason in the log.
[[nodiscard]] Result<pid_t> spawn_vmm(const std::vector<std::string>& arguments, const std::string& log_file,
                                      VmmLock lock, uint64_t launch);

}  // namespace cumulet::node
