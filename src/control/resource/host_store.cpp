// Zones, hosts and allocations in the store.
#include "control/resource/host_store.h"

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "control/resource/allocation.h"
#include "control/resource/keys.h"
#include "control/resource/record.h"
#include "control/resource/record_range.h"

namespace cumulet::control {

namespace json = boost::json;

namespace {

std::string encode_zone(const Zone& zone) {
  return json::serialize(
      json::object{{"version", 1}, {"name", zone.name}, {"id", zone.id}, {"region", zone.region}});
}

Result<Zone> decode_zone(std::string_view text) {
  RecordReader reader(text, "zone");
  Zone zone{reader.string("name"), reader.string("id"), reader.string("region")};
  TRY_VOID(reader.finish());
  return zone;
}

json::object capacity_to_json(const Capacity& capacity) {
  return {{"vcpus", static_cast<int64_t>(capacity.vcpus)},
          {"memory_mib", static_cast<int64_t>(capacity.memory_mib)}};
}

Capacity read_capacity(RecordReader reader) {
  return {static_cast<uint32_t>(reader.number("vcpus")), static_cast<uint64_t>(reader.number("memory_mib"))};
}

std::string encode_host(const Host& host) {
  return json::serialize(json::object{{"version", 1},
                                      {"id", host.id.str()},
                                      {"zone", host.zone},
                                      {"machine", host.machine},
                                      {"capacity", capacity_to_json(host.capacity)}});
}

Result<Host> decode_host(std::string_view text) {
  RecordReader reader(text, "host");
  Host host{HostId(reader.string("id")), reader.string("zone"), reader.string("machine"),
            read_capacity(reader.object("capacity"))};
  TRY_VOID(reader.finish());
  return host;
}

// A machine may have shrunk below what was given away from it.
template <typename Number>
Number subtract(Number from, Number amount) {
  return from > amount ? from - amount : 0;
}

// Writes `value` unless it is there already, so that watchers are not woken for nothing.
Result<> put_if_changed(store::Kv& kv, const std::string& key, const std::string& value) {
  const auto entry = TRY(kv.get(key));
  if (entry && entry->value == value) return {};
  TRY(kv.commit({{}, {{key, value}}}));
  return {};
}

}  // namespace

std::string encode_allocation(const Allocation& allocation) {
  return json::serialize(json::object{
      {"version", 1}, {"machine", allocation.machine}, {"capacity", capacity_to_json(allocation.capacity)}});
}

Result<Allocation> decode_allocation(std::string_view text) {
  RecordReader reader(text, "allocation");
  Allocation allocation{reader.string("machine"), read_capacity(reader.object("capacity"))};
  TRY_VOID(reader.finish());
  return allocation;
}

HostOffer* Offers::find(const HostId& host) {
  const auto found =
      std::find_if(offers.begin(), offers.end(), [&](const HostOffer& offer) { return offer.host == host; });
  return found == offers.end() ? nullptr : &*found;
}

void Offers::guard(store::Transaction& transaction, const std::string& machine) const {
  const std::string key = machine_key(machine);
  const auto is_key = [&](const auto& item) { return item.key == key; };
  if (std::any_of(transaction.writes.begin(), transaction.writes.end(), is_key)) return;
  const auto known = std::find_if(machines.begin(), machines.end(), is_key);
  transaction.compares.push_back({key, known == machines.end() ? 0 : known->revision});
  transaction.writes.push_back({key, R"({"version":1})"});
}

Result<Offers> read_offers(store::Kv& kv) {
  Offers result;
  // The machines' revisions come first: an allocation made after this line makes guard() fail the
  // transaction.
  store::Range machines = TRY(kv.range(kMachinePrefix));
  result.machines = std::move(machines.entries);
  std::map<std::string, Capacity> used;
  const store::Range allocations = TRY(kv.range(kAllocationPrefix));
  for (const store::Entry& entry : allocations.entries) {
    const Allocation allocation = TRY(decode_allocation(entry.value));
    Capacity& sum = used[allocation.machine];
    sum.vcpus += allocation.capacity.vcpus;
    sum.memory_mib += allocation.capacity.memory_mib;
  }
  const std::vector<Host> hosts = TRY(list_hosts(kv));
  for (const Host& host : hosts) {
    const Capacity& taken = used[host.machine];
    result.offers.push_back(
        {host.id,
         host.zone,
         host.machine,
         {subtract(host.capacity.vcpus, taken.vcpus), subtract(host.capacity.memory_mib, taken.memory_mib)}});
  }
  return result;
}

Result<> put_zone(store::Kv& kv, const Zone& zone) {
  return put_if_changed(kv, key_of(kZonePrefix, zone.name), encode_zone(zone));
}

Result<std::vector<Zone>> list_zones(store::Kv& kv) {
  return decode_range<Zone>(kv, kZonePrefix, decode_zone);
}

Result<> put_host(store::Kv& kv, const Host& host) {
  return put_if_changed(kv, key_of(kHostPrefix, host.id.str()), encode_host(host));
}

Result<std::vector<Host>> list_hosts(store::Kv& kv) {
  return decode_range<Host>(kv, kHostPrefix, decode_host);
}

Result<std::vector<HostOffer>> list_host_offers(store::Kv& kv) {
  Offers read = TRY(read_offers(kv));
  return std::move(read.offers);
}

}  // namespace cumulet::control
