// `cumulet vm run`: one virtual machine by hand, its console on the terminal.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "hypervisor/machine/machine_config.h"
#include "node/protocol/vmm_config.h"

namespace cumulet::command {

struct VmRunOptions {
  hypervisor::MachineConfig machine;
  std::string engine = "auto";
  std::string translation_cache;  // a folder; empty: translations are not kept
};

// Adds the options of `vm run` to a subcommand; they are stored in `options` when the line is parsed.
void add_vm_run_options(CLI::App& command, VmRunOptions& options);

// Runs the machine until it ends. Returns the process's exit status: 0 after a poweroff or Ctrl-A x, (code <<
// 1) | 1 after a debug exit (as QEMU's isa-debug-exit), and with one line on stderr: 2 when the machine could
// not start or go on, 4 after a triple fault.
int vm_run(const VmRunOptions& options);

}  // namespace cumulet::command
