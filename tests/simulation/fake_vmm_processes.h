// FakeVmmProcesses: VMMs that exist in a table, and an accusation if two of one instance ever live at once.
#pragma once

#include <map>

#include "faults.h"

#include "node/agent/vmm_processes.h"

namespace cumulet::simulation {

class FakeVmmProcesses final : public node::VmmProcesses {
 public:
  explicit FakeVmmProcesses(Faults& faults) : faults_(faults) {}

  [[nodiscard]] Result<node::VmmSight> look(const control::InstanceId& id) override;
  [[nodiscard]] Result<> start(const control::InstanceId& id, uint64_t launch,
                               node::VmmConfig config) override;
  [[nodiscard]] bool is_guest_running(const control::InstanceId& id) override;
  [[nodiscard]] Result<> press_power_button(const control::InstanceId& id) override;
  [[nodiscard]] Result<> reset(const control::InstanceId& id) override;
  [[nodiscard]] Result<> kill(const control::InstanceId& id) override;
  [[nodiscard]] Result<> remove(const control::InstanceId& id) override;
  [[nodiscard]] Result<> remove_all(const control::InstanceId& id) override;
  [[nodiscard]] Result<std::vector<control::InstanceId>> list() override;

  // What a test does to a VMM, or learns of it.
  struct Vmm {
    bool alive = false;
    uint64_t launch = 0;
    int looks_until_running = 2;
    uint64_t resets = 0;
    std::optional<node::VmmExit> exit = {};
    node::VmmConfig config = {};
  };
  [[nodiscard]] Vmm* find(const control::InstanceId& id);
  void end(const control::InstanceId& id, std::optional<node::VmmExit> exit);
  [[nodiscard]] size_t alive() const;
  [[nodiscard]] size_t starts() const { return starts_; }
  [[nodiscard]] bool second_start_tried() const { return second_start_tried_; }

  bool guests_obey_power_button = true;
  std::optional<node::VmmExit> fail_every_start_with = {};

 private:
  Faults& faults_;
  std::map<control::InstanceId, Vmm> vmms_;
  size_t starts_ = 0;
  bool second_start_tried_ = false;
};

}  // namespace cumulet::simulation
