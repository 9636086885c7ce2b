// cumulet-vmm: the process of one instance (--config), or one virtual machine on the terminal (run).
#include <CLI/CLI.hpp>
#include <string>

#include "base/log.h"
#include "command/vm/vm_run.h"
#include "command/vm/vmm_process.h"

int main(int argc, char** argv) {
  CLI::App app("Runs one virtual machine.", "cumulet-vmm");
  std::string config;
  app.add_option("--config", config, "JSON configuration of an instance, written by the node agent");
  cumulet::command::VmRunOptions options;
  CLI::App* run = app.add_subcommand("run", "run a virtual machine with its console on the terminal");
  cumulet::command::add_vm_run_options(*run, options);
  CLI11_PARSE(app, argc, argv);

  cumulet::set_up_log("cumulet-vmm");
  if (*run) return cumulet::command::vm_run(options);
  if (!config.empty()) return cumulet::command::run_vmm_process(config);
  std::fputs("cumulet-vmm: either --config FILE or run is needed; see --help\n", stderr);
  return cumulet::command::kVmmBadConfig;
}
