// LocalVmmProcesses: VMM processes of this machine, by lock files, control sockets and exit records.
#pragma once

#include <filesystem>
#include <mutex>
#include <set>
#include <string>

#include "node/agent/instance_folder.h"
#include "node/agent/vmm_processes.h"

namespace cumulet::node {

class LocalVmmProcesses final : public VmmProcesses {
 public:
  // `program` is cumulet-vmm; `state_folder` is absolute and at most kMaximumStateFolderLength long.
  LocalVmmProcesses(std::filesystem::path state_folder, control::HostId host, std::string program)
      : state_folder_(std::move(state_folder)), host_(std::move(host)), program_(std::move(program)) {}

  [[nodiscard]] Result<VmmSight> look(const control::InstanceId& id) override;
  [[nodiscard]] Result<> start(const control::InstanceId& id, uint64_t launch, VmmConfig config) override;
  [[nodiscard]] bool is_guest_running(const control::InstanceId& id) override;
  [[nodiscard]] Result<> press_power_button(const control::InstanceId& id) override;
  [[nodiscard]] Result<> reset(const control::InstanceId& id) override;
  [[nodiscard]] Result<> kill(const control::InstanceId& id) override;
  [[nodiscard]] Result<> remove(const control::InstanceId& id) override;
  [[nodiscard]] Result<> remove_all(const control::InstanceId& id) override;
  [[nodiscard]] Result<std::vector<control::InstanceId>> list() override;

  // Returns the physical memory that the host's VMMs occupy now, guests included.
  [[nodiscard]] uint64_t resident_mib();

 private:
  [[nodiscard]] InstanceFolder folder(const control::InstanceId& id) const {
    return {state_folder_, host_, id};
  }
  void reap();

  const std::filesystem::path state_folder_;
  const control::HostId host_;
  const std::string program_;
  std::mutex mutex_;
  std::set<pid_t> children_;  // started by this process, so that they must be waited for
};

}  // namespace cumulet::node
