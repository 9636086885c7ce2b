// VMMs in a table.
#include "fake_vmm_processes.h"

#include <algorithm>

#include "base/check.h"

namespace cumulet::simulation {

using control::InstanceId;
using node::VmmExit;
using node::VmmExitReason;
using node::VmmPresence;
using node::VmmSight;

namespace {
tl::unexpected<Error> injected() { return fail(ErrorCode::kUnavailable, "injected VMM failure"); }
}  // namespace

FakeVmmProcesses::Vmm* FakeVmmProcesses::find(const InstanceId& id) {
  const auto found = vmms_.find(id);
  return found == vmms_.end() ? nullptr : &found->second;
}

void FakeVmmProcesses::end(const InstanceId& id, std::optional<VmmExit> exit) {
  Vmm* vmm = find(id);
  CHECK(vmm != nullptr && vmm->alive);
  vmm->alive = false;
  vmm->exit = std::move(exit);
}

size_t FakeVmmProcesses::alive() const {
  return static_cast<size_t>(
      std::count_if(vmms_.begin(), vmms_.end(), [](const auto& vmm) { return vmm.second.alive; }));
}

Result<VmmSight> FakeVmmProcesses::look(const InstanceId& id) {
  if (faults_.fails()) return injected();
  const Vmm* vmm = find(id);
  if (vmm == nullptr || vmm->launch == 0) return VmmSight{};
  return VmmSight{vmm->alive ? VmmPresence::kAlive : VmmPresence::kEnded, vmm->launch, vmm->exit};
}

Result<> FakeVmmProcesses::start(const InstanceId& id, uint64_t launch, node::VmmConfig config) {
  // An error here is one that the agent must not retry, so only crashes are of interest.
  (void)faults_.fails();
  if (const Vmm* vmm = find(id); vmm != nullptr && vmm->alive) {
    second_start_tried_ = true;
    return fail(ErrorCode::kAlreadyExists, "a second VMM of " + id.str());
  }
  ++starts_;
  Vmm& vmm = vmms_[id] = Vmm{};
  vmm.alive = true;
  vmm.launch = launch;
  vmm.config = std::move(config);
  if (fail_every_start_with) end(id, fail_every_start_with);
  (void)faults_.fails();
  return {};
}

bool FakeVmmProcesses::is_guest_running(const InstanceId& id) {
  Vmm* vmm = find(id);
  return vmm != nullptr && vmm->alive && --vmm->looks_until_running <= 0;
}

Result<> FakeVmmProcesses::press_power_button(const InstanceId& id) {
  if (faults_.fails()) return injected();
  Vmm* vmm = find(id);
  if (vmm == nullptr || !vmm->alive) return fail(ErrorCode::kUnavailable, "nobody listens");
  if (guests_obey_power_button) end(id, VmmExit{VmmExitReason::kPoweroff, 0, {}});
  if (faults_.fails()) return injected();
  return {};
}

Result<> FakeVmmProcesses::reset(const InstanceId& id) {
  if (faults_.fails()) return injected();
  Vmm* vmm = find(id);
  if (vmm == nullptr || !vmm->alive) return fail(ErrorCode::kUnavailable, "nobody listens");
  ++vmm->resets;
  if (faults_.fails()) return injected();
  return {};
}

Result<> FakeVmmProcesses::kill(const InstanceId& id) {
  if (faults_.fails()) return injected();
  Vmm* vmm = find(id);
  if (vmm != nullptr && vmm->alive) end(id, std::nullopt);
  if (faults_.fails()) return injected();
  return {};
}

Result<> FakeVmmProcesses::remove(const InstanceId& id) {
  if (faults_.fails()) return injected();
  Vmm* vmm = find(id);
  if (vmm == nullptr) return {};
  CHECK(!vmm->alive);
  *vmm = Vmm{};  // the console remains, so the instance is still listed
  return {};
}

Result<> FakeVmmProcesses::remove_all(const InstanceId& id) {
  TRY_VOID(remove(id));
  vmms_.erase(id);
  return {};
}

Result<std::vector<InstanceId>> FakeVmmProcesses::list() {
  std::vector<InstanceId> ids;
  for (const auto& [id, vmm] : vmms_) ids.push_back(id);
  return ids;
}

}  // namespace cumulet::simulation
