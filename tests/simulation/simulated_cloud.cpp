// A cloud in one thread.
#include "simulated_cloud.h"

#include <fmt/format.h>
#include <set>

#include "base/check.h"
#include "base/log.h"
#include "control/resource/host_store.h"
#include "control/resource/image_store.h"
#include "control/resource/keys.h"
#include "control/scheduler/place.h"

namespace cumulet::simulation {

using control::Instance;
using control::InstanceId;
using control::InstanceState;

std::string CountingIdSource::next_digits() { return fmt::format("{:017x}", ++count_); }

SimulatedCloud::SimulatedCloud(Faults initial, control::Capacity capacity) : faults(std::move(initial)) {
  spdlog::set_level(spdlog::level::off);
  CHECK(control::put_zone(disk, {"z", "z1", "r"}));
  CHECK(control::put_host(disk, {control::HostId("h"), "z", "machine", capacity}));
  control::Image image;
  image.id = control::ImageId("ami-1");
  image.name = "test";
  image.kernel_file = "images/ami-1/vmlinuz";
  CHECK(control::create_image(disk, image));
  restart();
}

SimulatedCloud::Programs::Programs(SimulatedCloud& cloud)
    : agent(cloud.kv, cloud.clock, cloud.vmms, control::HostId("h"), {"/state", {}, 20'000, 120'000}),
      exit_policy(cloud.kv, cloud.clock),
      purge(cloud.kv, cloud.clock) {
  for (store::Reconciler* reconciler :
       std::initializer_list<store::Reconciler*>{&agent, &exit_policy, &purge})
    loops.push_back(std::make_unique<store::ReconcileLoop>(cloud.kv, cloud.clock, *reconciler));
}

void SimulatedCloud::Programs::step() {
  if (!swept) swept = agent.sweep().has_value();
  if (!swept) return;
  for (auto& loop : loops) (void)loop->step(0);
}

void SimulatedCloud::restart() { programs_ = std::make_unique<Programs>(*this); }

bool SimulatedCloud::run_until(const std::function<bool()>& done, uint64_t limit_ms) {
  constexpr uint64_t kTickMs = 25;
  for (uint64_t passed_ms = 0; passed_ms <= limit_ms; passed_ms += kTickMs) {
    try {
      programs_->step();
    } catch (const SimulatedCrash&) {
      restart();
    }
    if (done()) return true;
    clock.advance_ns(kTickMs * 1'000'000);
  }
  return false;
}

control::LaunchRequest SimulatedCloud::request(const char* token, uint32_t count) const {
  control::LaunchRequest request;
  request.owner_id = "123456789012";
  request.image_id = control::ImageId("ami-1");
  request.instance_type = "t3.nano";
  request.min_count = count;
  request.max_count = count;
  request.client_token = token;
  request.fingerprint = token;
  return request;
}

Result<control::LaunchResult> SimulatedCloud::launch(control::LaunchRequest request) {
  return insist([&] { return control::launch_instances(kv, ids, control::place, request, now_ms()); });
}

Instance SimulatedCloud::instance(const InstanceId& id) {
  const auto found = control::find_instance(disk, id).value();
  CHECK(found.has_value());
  return *found;
}

InstanceState SimulatedCloud::state(const InstanceId& id) { return control::visible_state(instance(id)); }

std::string SimulatedCloud::problem() {
  if (vmms.second_start_tried()) return "a second VMM of one instance was to be started";
  std::set<std::string> holding;
  size_t running = 0;
  const std::vector<Instance> instances = control::list_instances(disk).value();
  for (const Instance& each : instances) {
    if (control::holds_capacity(each)) holding.insert(control::allocation_key(each.id));
    if (control::visible_state(each) != InstanceState::kRunning) continue;
    ++running;
    const auto* vmm = vmms.find(each.id);
    if (vmm == nullptr || !vmm->alive) return each.id.str() + " runs without a VMM";
    if (vmm->launch != each.desired.launch) return each.id.str() + " runs an old launch";
  }
  if (vmms.alive() != running) return fmt::format("{} VMMs for {} running instances", vmms.alive(), running);
  const store::Range allocations = disk.range(control::kAllocationPrefix).value();
  for (const store::Entry& entry : allocations.entries)
    if (holding.erase(entry.key) == 0) return entry.key + " is held by nobody";
  if (!holding.empty()) return *holding.begin() + " is missing";
  return {};
}

}  // namespace cumulet::simulation
