// Machine: one virtual machine from power-on to poweroff, reset or failure.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "hypervisor/machine/board.h"
#include "hypervisor/machine/kvm_clock.h"
#include "hypervisor/machine/machine_config.h"
#include "hypervisor/machine/processor.h"
#include "hypervisor/machine/timer_thread.h"
#include "hypervisor/memory/guest_memory.h"

namespace cumulet::hypervisor {

// A reset is a new Machine (life_cycle.h), so nothing here must be able to go back to its power-on state.
//
// Locks, in the order in which they may be taken: the device lock (all devices and interrupt controllers),
// then end_lock_ or a processor's sleep lock. vCPU threads hold none of them while the guest runs.
class Machine {
 public:
  // Builds the machine and loads the kernel. Errors: those of the files, of load_boot_image(), and of the
  // engine; kInvalidArgument for a machine that is too large or too small.
  static Result<std::unique_ptr<Machine>> create(const MachineConfig& config,
                                                 const EngineFactory& make_engine, ConsoleSink console,
                                                 const Clock& clock);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Runs the guest until the machine ends, and returns why. Called once.
  MachineEnd run();

  // From any thread, at any time; they do not wait. The first end of a machine is the one that counts.
  void end(MachineEnd end);
  void press_power_button();
  void send_input(ByteView bytes);
  [[nodiscard]] std::string_view engine_name() const { return engine_->name(); }

 private:
  Machine(ConsoleSink console, const Clock& clock);
  Result<void> build(const MachineConfig& config, const EngineFactory& make_engine);
  Result<void> boot(const MachineConfig& config);
  [[nodiscard]] BoardEvents board_events(ConsoleSink console, bool debug_exit);

  const Clock& clock_;
  ConsoleSink console_;
  std::mutex device_lock_;
  TimerThread timers_;
  std::unique_ptr<GuestMemory> memory_;
  std::unique_ptr<Engine> engine_;
  std::optional<KvmClock> kvm_clock_;
  std::optional<Board> board_;
  CpuState start_state_;
  std::vector<std::unique_ptr<Processor>> processors_;

  std::mutex end_lock_;
  std::condition_variable ended_;
  std::optional<MachineEnd> end_;
};

}  // namespace cumulet::hypervisor
