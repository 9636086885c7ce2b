// LocalCloud: a region on this machine: the store, the reconcilers, and a host with its agent in each zone.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "command/cumulet/settings.h"
#include "command/cumulet/state_folder.h"
#include "control/controller/exit_policy.h"
#include "control/controller/purge.h"
#include "control/resource/host.h"
#include "control/resource/ids.h"
#include "node/agent/host_agent.h"
#include "node/agent/local_vmm_processes.h"
#include "node/agent/machine_capacity.h"
#include "node/protocol/console_ring.h"
#include "store/kv/kv.h"

namespace cumulet::command {

struct LocalCloudOptions {
  std::string vmm_program;  // cumulet-vmm
  node::EngineChoice engine = node::EngineChoice::kAuto;
  uint64_t stop_grace_ms = 20'000;
  node::CapacityOptions capacity = {};
  std::optional<uint64_t> memory_mib = {};  // offer so much instead of what is measured
};

// The caller holds the state folder's DaemonLock. Everything runs in threads of this object; ending it leaves
// the VMMs running, and the next one finds them.
class LocalCloud {
 public:
  // Writes zones and hosts to the store, and begins. Errors: those of the store, kIo.
  [[nodiscard]] static Result<std::unique_ptr<LocalCloud>> start(const StateFolder& folder,
                                                                 const Settings& settings,
                                                                 LocalCloudOptions options);
  ~LocalCloud();
  LocalCloud(const LocalCloud&) = delete;
  LocalCloud& operator=(const LocalCloud&) = delete;

  [[nodiscard]] store::Kv& kv() { return *kv_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }

  struct Console {
    node::ConsoleOutput output;
    int64_t written_ms = 0;  // Unix time of the last write
  };
  // Returns the last bytes of an instance's console. kNotFound if it has none (yet). Thread-safe.
  [[nodiscard]] Result<Console> read_console(const control::InstanceId& id, uint64_t last);

 private:
  // One zone's host.
  struct Node {
    Node(LocalCloud& cloud, const control::Host& what);

    control::Host host;
    node::LocalVmmProcesses processes;
    node::HostAgent agent;
    std::unique_ptr<store::ReconcileThread> thread;
  };

  LocalCloud(StateFolder folder, LocalCloudOptions options, std::unique_ptr<store::Kv> kv);
  [[nodiscard]] Result<> set_up(const Settings& settings);
  [[nodiscard]] Result<> publish_capacity();
  void measure_capacity();

  const StateFolder folder_;
  const LocalCloudOptions options_;
  SystemClock clock_;
  std::unique_ptr<store::Kv> kv_;
  control::ExitPolicy exit_policy_;
  control::Purge purge_;
  std::optional<control::Capacity> published_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<store::ReconcileThread>> reconcilers_;
  std::atomic<bool> stopping_ = false;
  std::thread capacity_thread_;
};

}  // namespace cumulet::command
