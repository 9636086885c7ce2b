// LifeCycle: a virtual machine across resets, as the process that runs it and its controllers see it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "hypervisor/machine/machine.h"
#include "hypervisor/machine/machine_config.h"

namespace cumulet::hypervisor {

// The states:
//
//    run()              built and loaded                  poweroff, triple fault, debug exit, kill, failure
//   ───────► starting ──────────────────► running ─────────────────────────────────────────────► ended
//               │  ▲                          │                                                     ▲
//               │  │ machine taken down       │ reset: by the guest, or by reset()                  │
//               │  └────────── resetting ◄────┘                                                     │
//               └───────────────────────────────────────────────────────────────────────────────────┘
//                 cannot be built (no kernel, no memory, no engine), or kill() came first
//
// Thread safety: run() on one thread, once; everything else from any thread at any time, without waiting for
// the guest. A request that comes while there is no machine is refused, but for kill(), which is remembered.
class LifeCycle {
 public:
  enum class State : uint8_t { kStarting, kRunning, kResetting, kEnded };
  struct Status {
    State state;
    std::string engine;  // empty before the first start
    uint64_t resets;
  };

  LifeCycle(MachineConfig config, EngineFactory make_engine, ConsoleSink console, const Clock& clock);

  // Returns the end that is no reset.
  MachineEnd run();

  // Errors: kFailedPrecondition when the machine is not running.
  Result<void> press_power_button();
  Result<void> reset();
  // Returns at once; run() returns kKilled soon.
  void kill();
  // Console input; dropped when the machine is not running.
  void send_input(ByteView bytes);
  [[nodiscard]] Status status() const;

 private:
  MachineEnd run_once();

  const MachineConfig config_;
  const EngineFactory make_engine_;
  const ConsoleSink console_;
  const Clock& clock_;

  mutable std::mutex lock_;
  State state_ = State::kStarting;
  std::unique_ptr<Machine> machine_;  // there while kRunning
  std::string engine_;
  uint64_t resets_ = 0;
  bool kill_requested_ = false;
};

// Returns "starting", "running", "resetting" or "ended".
std::string_view state_name(LifeCycle::State state);

}  // namespace cumulet::hypervisor
