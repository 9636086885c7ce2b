// A region on this machine.
#include "command/cumulet/local_cloud.h"

#include <chrono>
#include <sys/stat.h>

#include "base/log.h"
#include "command/cumulet/zones.h"
#include "control/resource/host_store.h"
#include "control/resource/instance_store.h"
#include "store/embedded/sqlite_kv.h"

namespace cumulet::command {

namespace {

constexpr const char* kMachine = "local";  // all hosts share this machine
constexpr std::chrono::milliseconds kCapacityPause(250);
constexpr int kPausesPerMeasurement = 20;
constexpr uint64_t kNoticeableMib = 256;  // less of a change is not worth a write

uint64_t difference(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

}  // namespace

LocalCloud::Node::Node(LocalCloud& cloud, const control::Host& what)
    : host(what),
      processes(cloud.folder_.path, what.id, cloud.options_.vmm_program),
      agent(cloud.kv(), cloud.clock_, processes, what.id,
            {cloud.folder_.path, cloud.options_.engine, cloud.options_.stop_grace_ms}) {}

LocalCloud::LocalCloud(StateFolder folder, LocalCloudOptions options, std::unique_ptr<store::Kv> kv)
    : folder_(std::move(folder)),
      options_(std::move(options)),
      kv_(std::move(kv)),
      exit_policy_(*kv_, clock_),
      purge_(*kv_, clock_) {}

Result<std::unique_ptr<LocalCloud>> LocalCloud::start(const StateFolder& folder, const Settings& settings,
                                                      LocalCloudOptions options) {
  std::unique_ptr<store::Kv> kv = TRY(store::SqliteKv::open(folder.store()));
  std::unique_ptr<LocalCloud> cloud(new LocalCloud(folder, std::move(options), std::move(kv)));
  TRY_VOID(cloud->set_up(settings));
  return cloud;
}

Result<> LocalCloud::set_up(const Settings& settings) {
  const std::vector<control::Zone> zones = zones_of(settings.region);
  for (const control::Zone& zone : zones) {
    TRY_VOID(control::put_zone(*kv_, zone));
    const control::Host host{control::HostId(zone.name + "-1"), zone.name, kMachine, {}};
    nodes_.push_back(std::make_unique<Node>(*this, host));
    TRY_VOID(nodes_.back()->agent.sweep());
  }
  TRY_VOID(publish_capacity());
  for (const auto& node : nodes_)
    node->thread = std::make_unique<store::ReconcileThread>(*kv_, clock_, node->agent);
  for (store::Reconciler* reconciler : std::initializer_list<store::Reconciler*>{&exit_policy_, &purge_})
    reconcilers_.push_back(std::make_unique<store::ReconcileThread>(*kv_, clock_, *reconciler));
  capacity_thread_ = std::thread([this] { measure_capacity(); });
  return {};
}

LocalCloud::~LocalCloud() {
  stopping_ = true;
  kv_->interrupt_watches();
  if (capacity_thread_.joinable()) capacity_thread_.join();
  reconcilers_.clear();
  nodes_.clear();
}

Result<> LocalCloud::publish_capacity() {
  uint64_t resident_mib = 0;
  for (const auto& node : nodes_) resident_mib += node->processes.resident_mib();
  control::Capacity capacity = TRY(node::machine_capacity(options_.capacity, resident_mib));
  if (options_.memory_mib) capacity.memory_mib = *options_.memory_mib;
  if (published_ && published_->vcpus == capacity.vcpus &&
      difference(published_->memory_mib, capacity.memory_mib) < kNoticeableMib)
    return {};
  for (const auto& node : nodes_) {
    node->host.capacity = capacity;
    TRY_VOID(control::put_host(*kv_, node->host));
  }
  published_ = capacity;
  return {};
}

void LocalCloud::measure_capacity() {
  for (int pauses = 1; !stopping_; ++pauses) {
    std::this_thread::sleep_for(kCapacityPause);
    if (pauses % kPausesPerMeasurement != 0) continue;
    const Result<> published = publish_capacity();
    if (!published) spdlog::warn("capacity: {}", published.error().to_string());
  }
}

Result<LocalCloud::Console> LocalCloud::read_console(const control::InstanceId& id, uint64_t last) {
  const auto instance = TRY(control::find_instance(*kv_, id));
  if (!instance) return fail(ErrorCode::kNotFound, "The instance ID '" + id.str() + "' does not exist");
  const std::string path = node::InstanceFolder(folder_.path, instance->host, id).console();
  Console console;
  console.output = TRY(node::read_console(path, last));
  struct stat info {};
  if (stat(path.c_str(), &info) == 0)
    console.written_ms = static_cast<int64_t>(info.st_mtim.tv_sec) * 1000 + info.st_mtim.tv_nsec / 1'000'000;
  return console;
}

}  // namespace cumulet::command
