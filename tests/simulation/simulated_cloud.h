// SimulatedCloud: store, clock and VMMs that last, and the programs on them that can crash and start anew.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fake_vmm_processes.h"
#include "faulty_kv.h"

#include "base/clock.h"
#include "control/controller/exit_policy.h"
#include "control/controller/purge.h"
#include "control/resource/instance_store.h"
#include "node/agent/host_agent.h"
#include "store/kv/memory_kv.h"
#include "store/kv/reconcile_loop.h"

namespace cumulet::simulation {

// Ids that tell their order.
class CountingIdSource final : public control::IdSource {
 public:
  [[nodiscard]] std::string next_digits() override;

 private:
  uint64_t count_ = 0;
};

class SimulatedCloud {
 public:
  // One zone "z" with one host "h" of this capacity, and the image "ami-1".
  explicit SimulatedCloud(Faults initial = {}, control::Capacity capacity = {64, 8192});

  // Runs the programs, restarting them after crashes, and moves the clock, until `done` holds. False if it
  // does not within simulated `limit_ms`.
  [[nodiscard]] bool run_until(const std::function<bool()>& done, uint64_t limit_ms = 300'000);

  // Repeats a user's call until it gives an answer, as a client with retries does. Other errors are returned.
  template <typename Call>
  auto insist(Call call) -> decltype(call()) {
    while (true) {
      try {
        auto result = call();
        if (result || result.error().code != ErrorCode::kUnavailable) return result;
      } catch (const SimulatedCrash&) {
        restart();
      }
    }
  }

  [[nodiscard]] Result<control::LaunchResult> launch(control::LaunchRequest request);
  [[nodiscard]] control::LaunchRequest request(const char* token, uint32_t count = 1) const;

  [[nodiscard]] control::Instance instance(const control::InstanceId& id);
  [[nodiscard]] control::InstanceState state(const control::InstanceId& id);
  [[nodiscard]] bool is(const control::InstanceId& id, control::InstanceState wanted) {
    return state(id) == wanted;
  }

  // What must hold whenever nothing is in progress: instances that hold capacity are exactly those with an
  // allocation, and nothing else lives than what shall run. Returns what is wrong, or an empty text.
  [[nodiscard]] std::string problem();

  void restart();
  [[nodiscard]] int64_t now_ms() const { return static_cast<int64_t>(clock.wall_ns() / 1'000'000); }

  Faults faults;
  ManualClock clock;
  store::MemoryKv disk;
  FakeVmmProcesses vmms{faults};
  FaultyKv kv{disk, faults};
  CountingIdSource ids;

 private:
  // What dies in a crash.
  struct Programs {
    explicit Programs(SimulatedCloud& cloud);
    void step();

    node::HostAgent agent;
    control::ExitPolicy exit_policy;
    control::Purge purge;
    bool swept = false;
    std::vector<std::unique_ptr<store::ReconcileLoop>> loops;
  };
  std::unique_ptr<Programs> programs_;
};

}  // namespace cumulet::simulation
