// `cumulet status`.
#include <cstdio>
#include <fmt/format.h>
#include <map>

#include "command/cumulet/daemon_lock.h"
#include "command/cumulet/lifecycle.h"
#include "control/resource/host_store.h"
#include "control/resource/image_store.h"
#include "control/resource/instance_store.h"
#include "store/embedded/sqlite_kv.h"

namespace cumulet::command {

namespace {

Result<> print_resources(store::Kv& kv) {
  const auto offers = TRY(control::list_host_offers(kv));
  for (const control::HostOffer& offer : offers)
    fmt::print("host       {} in {}: {} vCPUs and {} MiB free\n", offer.host.str(), offer.zone,
               offer.free.vcpus, offer.free.memory_mib);
  fmt::print("images     {}\n", TRY(control::list_images(kv)).size());
  std::map<std::string_view, size_t> states;
  const auto instances = TRY(control::list_instances(kv));
  for (const control::Instance& instance : instances)
    ++states[control::instance_state_name(control::visible_state(instance))];
  fmt::print("instances  {}", instances.size());
  const char* separator = ": ";
  for (const auto& [state, count] : states) {
    fmt::print("{}{} {}", separator, count, state);
    separator = ", ";
  }
  fmt::print("\n");
  return {};
}

}  // namespace

Result<bool> print_status(const StateFolder& folder) {
  const auto daemon = TRY(find_daemon(folder));
  const auto endpoint = TRY(find_endpoint(folder));
  fmt::print("state      {}\n", folder.path.native());
  if (endpoint)
    fmt::print("daemon     process {} answers at {}\n", endpoint->process_id, endpoint->url());
  else
    fmt::print("daemon     {}\n", daemon ? "is starting" : "does not run; start it with: cumulet up");
  std::error_code error;
  if (!std::filesystem::exists(folder.store(), error)) return daemon.has_value();
  const Settings settings = TRY(load_settings(folder));
  fmt::print("region     {}\naccount    {}\n", settings.region, settings.account_id);
  const std::unique_ptr<store::Kv> kv = TRY(store::SqliteKv::open(folder.store()));
  TRY_VOID(print_resources(*kv));
  return daemon.has_value();
}

}  // namespace cumulet::command
