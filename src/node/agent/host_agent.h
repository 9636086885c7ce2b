// HostAgent: makes the VMMs of one host what the store asks for, and reports to the store what they are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/clock.h"
#include "control/resource/instance.h"
#include "node/agent/vmm_processes.h"
#include "store/kv/kv.h"
#include "store/kv/reconcile_loop.h"

namespace cumulet::node {

struct AgentOptions {
  std::filesystem::path state_folder;  // the images' files are below it
  EngineChoice engine = EngineChoice::kAuto;
  uint64_t stop_grace_ms = 20'000;    // for the guest to shut down after the power button
  uint64_t start_limit_ms = 120'000;  // for a VMM to bring its guest up
};

// Problem: instances must follow the store whatever dies when: agent, VMM, or both. Each call looks at the
// store's record and at the process, and takes one step from what is to what should be:
//
//   desired    VMM absent          VMM alive                          VMM ended
//   running    start               report running; reset if asked     report exited
//   stopped    report exited       power button, after a grace kill   report exited
//   terminated remove, report      kill                               remove, report removed
//
// One thread drives it. What it keeps in memory (since when a VMM starts, when the button was pressed) may
// be lost: the step is then taken again.
class HostAgent final : public store::Reconciler {
 public:
  // All references must outlive the agent.
  HostAgent(store::Kv& kv, const Clock& clock, VmmProcesses& processes, control::HostId host,
            AgentOptions options);

  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] std::string_view prefix() const override;
  [[nodiscard]] Result<std::optional<uint64_t>> reconcile(const std::string& key,
                                                          const std::optional<std::string>& value) override;

  // Kills and removes what the store knows nothing of, or has placed elsewhere. Call it once, before the
  // loop.
  [[nodiscard]] Result<> sweep();

 private:
  struct Memory {
    uint64_t launch = 0;
    std::optional<uint64_t> starting_since_ms = {};
    std::optional<uint64_t> button_pressed_ms = {};
  };
  using Again = std::optional<uint64_t>;  // look again after so many milliseconds

  [[nodiscard]] Result<Again> follow(const control::Instance& instance);
  [[nodiscard]] Result<Again> forget(const control::InstanceId& id);
  [[nodiscard]] Result<Again> run(const control::Instance& instance, const VmmSight& sight);
  [[nodiscard]] Result<Again> launch(const control::Instance& instance);
  [[nodiscard]] Result<Again> watch_over(const control::Instance& instance);
  [[nodiscard]] Result<Again> await_guest(const control::Instance& instance);
  [[nodiscard]] Result<Again> stop(const control::Instance& instance, const VmmSight& sight);
  [[nodiscard]] Result<Again> terminate(const control::Instance& instance, const VmmSight& sight);

  [[nodiscard]] Result<VmmConfig> make_config(const control::Instance& instance);
  [[nodiscard]] Result<> report(const control::Instance& instance, control::Observed observed);
  [[nodiscard]] Result<> report_exit(const control::Instance& instance, control::ExitKind kind,
                                     control::StateReason reason);
  [[nodiscard]] uint64_t now_ms() const { return clock_.monotonic_ns() / 1'000'000; }
  [[nodiscard]] int64_t wall_ms() const { return static_cast<int64_t>(clock_.wall_ns() / 1'000'000); }

  store::Kv& kv_;
  const Clock& clock_;
  VmmProcesses& processes_;
  const control::HostId host_;
  const AgentOptions options_;
  const std::string name_;
  std::map<control::InstanceId, Memory> memory_;
};

}  // namespace cumulet::node
