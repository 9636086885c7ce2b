// Options, and the path from a machine's end to an exit status.
#include "command/vm/vm_run.h"

#include <cstdio>
#include <optional>

#include "base/clock.h"
#include "command/vm/engine_choice.h"
#include "command/vm/terminal.h"
#include "hypervisor/machine/life_cycle.h"

namespace cumulet::command {

namespace {

constexpr int kStatusFailure = 2, kStatusTripleFault = 4;

int complain(const std::string& message, int status) {
  std::fprintf(stderr, "cumulet: %s\n", message.c_str());
  return status;
}

int exit_status(const hypervisor::MachineEnd& end) {
  switch (end.reason) {
    case hypervisor::EndReason::kPoweroff:
    case hypervisor::EndReason::kKilled:
    case hypervisor::EndReason::kReset: return 0;
    case hypervisor::EndReason::kDebugExit: return static_cast<int>((end.code << 1 | 1) & 0xff);
    case hypervisor::EndReason::kTripleFault:
      return complain("the guest stopped: " + end.message, kStatusTripleFault);
    case hypervisor::EndReason::kFailure: break;
  }
  return complain(end.message, kStatusFailure);
}

}  // namespace

void add_vm_run_options(CLI::App& command, VmRunOptions& options) {
  hypervisor::MachineConfig& machine = options.machine;
  command.add_option("--kernel", machine.kernel, "Linux bzImage, PVH ELF file or multiboot kernel")
      ->required();
  command.add_option("--initrd", machine.initrd, "initial RAM disk, or the multiboot module");
  command.add_option("--append", machine.command_line, "kernel command line")->capture_default_str();
  command.add_option("--memory", machine.memory_mib, "memory in MiB")
      ->check(CLI::Range(hypervisor::kMinimumMachineMemoryMib, hypervisor::kMaximumMachineMemoryMib))
      ->capture_default_str();
  command.add_option("--cpus", machine.vcpus, "number of processors")
      ->check(CLI::Range(1u, hypervisor::kMaximumProcessors))
      ->capture_default_str();
  command
      .add_option("--engine", options.engine, "auto (KVM where the CPU has VT-x or AMD-V), emulated or kvm")
      ->check(CLI::IsMember({"auto", "emulated", "kvm"}))
      ->capture_default_str();
  command.add_option(
      "--translation-cache", options.translation_cache,
      "folder in which the emulated engine keeps translations, so that the next boot of the same "
      "kernel is faster; none by default");
  command.add_flag("!--no-avx512", machine.avx512, "do not show the guest AVX-512");
  command.add_flag("--debug-exit", machine.debug_exit,
                   "a write of C to port 0xf4 ends the machine, status 2C + 1");
}

int vm_run(const VmRunOptions& options) {
  Result<node::EngineChoice> engine = node::parse_engine_choice(options.engine);
  if (!engine) return complain(engine.error().message, kStatusFailure);
  SystemClock clock;
  std::optional<Terminal> terminal;
  hypervisor::LifeCycle life_cycle(
      options.machine, choose_engine(*engine, options.translation_cache),
      [&](uint8_t byte) { terminal->write(byte); }, clock);
  terminal.emplace(
      Terminal::Callbacks{[&](ByteView bytes) { life_cycle.send_input(bytes); }, [&] { life_cycle.kill(); }});
  if (Result<void> started = terminal->start(); !started)
    return complain(started.error().to_string(), kStatusFailure);
  hypervisor::MachineEnd end = life_cycle.run();
  terminal.reset();  // writes what is left and restores the settings, before any message of ours
  return exit_status(end);
}

}  // namespace cumulet::command
