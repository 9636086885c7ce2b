// Instances to and from JSON.
#include "control/resource/instance_record.h"

#include <array>
#include <boost/json.hpp>

#include "control/resource/record.h"

namespace cumulet::control {

namespace json = boost::json;

namespace {

constexpr std::array kDesiredStates{"running", "stopped", "terminated"};
constexpr std::array kPhases{"none", "running", "exited", "removed"};
constexpr std::array kExitKinds{"none", "stopped", "guest-poweroff", "failed"};
constexpr std::array kShutdownBehaviors{"stop", "terminate"};

// The names are in the order of the enumerators.
template <typename Enum, size_t N>
const char* name_of(const std::array<const char*, N>& names, Enum value) {
  return names.at(static_cast<size_t>(value));
}

template <typename Enum, size_t N>
Enum read_name(RecordReader& reader, const char* field, const std::array<const char*, N>& names) {
  const std::string text = reader.string(field);
  for (size_t i = 0; i < N; ++i)
    if (text == names.at(i)) return static_cast<Enum>(i);
  reader.reject(field);
  return Enum{};
}

json::object reason_to_json(const StateReason& reason) {
  return {{"code", reason.code}, {"message", reason.message}};
}

StateReason read_reason(RecordReader reader) { return {reader.string("code"), reader.string("message")}; }

json::object desired_to_json(const Desired& desired) {
  return {{"state", name_of(kDesiredStates, desired.state)},
          {"launch", static_cast<int64_t>(desired.launch)},
          {"reboots", static_cast<int64_t>(desired.reboots)},
          {"force", desired.force},
          {"since_ms", desired.since_ms},
          {"reason", reason_to_json(desired.reason)},
          {"transition_reason", desired.transition_reason}};
}

Desired read_desired(RecordReader reader) {
  Desired desired;
  desired.state = read_name<DesiredState>(reader, "state", kDesiredStates);
  desired.launch = static_cast<uint64_t>(reader.number("launch"));
  desired.reboots = static_cast<uint64_t>(reader.number("reboots"));
  desired.force = reader.boolean("force");
  desired.since_ms = reader.number("since_ms");
  desired.reason = read_reason(reader.object("reason"));
  desired.transition_reason = reader.string("transition_reason");
  return desired;
}

json::object observed_to_json(const Observed& observed) {
  return {{"phase", name_of(kPhases, observed.phase)},
          {"launch", static_cast<int64_t>(observed.launch)},
          {"reboots", static_cast<int64_t>(observed.reboots)},
          {"exit", name_of(kExitKinds, observed.exit)},
          {"ran", observed.ran},
          {"since_ms", observed.since_ms},
          {"reason", reason_to_json(observed.reason)}};
}

Observed read_observed(RecordReader reader) {
  Observed observed;
  observed.phase = read_name<Phase>(reader, "phase", kPhases);
  observed.launch = static_cast<uint64_t>(reader.number("launch"));
  observed.reboots = static_cast<uint64_t>(reader.number("reboots"));
  observed.exit = read_name<ExitKind>(reader, "exit", kExitKinds);
  observed.ran = reader.boolean("ran");
  observed.since_ms = reader.number("since_ms");
  observed.reason = read_reason(reader.object("reason"));
  return observed;
}

}  // namespace

std::string encode_instance(const Instance& instance) {
  return json::serialize(json::object{
      {"version", 1},
      {"id", instance.id.str()},
      {"reservation_id", instance.reservation_id.str()},
      {"owner_id", instance.owner_id},
      {"image_id", instance.image_id.str()},
      {"instance_type", instance.instance_type},
      {"zone", instance.zone},
      {"host", instance.host.str()},
      {"launch_index", static_cast<int64_t>(instance.launch_index)},
      {"launch_time_ms", instance.launch_time_ms},
      {"client_token", instance.client_token},
      {"shutdown_behavior", name_of(kShutdownBehaviors, instance.shutdown_behavior)},
      {"disable_api_termination", instance.disable_api_termination},
      {"disable_api_stop", instance.disable_api_stop},
      {"tags", tags_to_json(instance.tags)},
      {"desired", desired_to_json(instance.desired)},
      {"observed", observed_to_json(instance.observed)},
  });
}

Result<Instance> decode_instance(std::string_view text) {
  RecordReader reader(text, "instance");
  Instance instance;
  if (reader.number("version") != 1) reader.reject("version");
  instance.id = InstanceId(reader.string("id"));
  instance.reservation_id = ReservationId(reader.string("reservation_id"));
  instance.owner_id = reader.string("owner_id");
  instance.image_id = ImageId(reader.string("image_id"));
  instance.instance_type = reader.string("instance_type");
  instance.zone = reader.string("zone");
  instance.host = HostId(reader.string("host"));
  instance.launch_index = static_cast<uint32_t>(reader.number("launch_index"));
  instance.launch_time_ms = reader.number("launch_time_ms");
  instance.client_token = reader.string("client_token");
  instance.shutdown_behavior = read_name<ShutdownBehavior>(reader, "shutdown_behavior", kShutdownBehaviors);
  instance.disable_api_termination = reader.boolean("disable_api_termination");
  instance.disable_api_stop = reader.boolean("disable_api_stop");
  instance.tags = reader.tags("tags");
  instance.desired = read_desired(reader.object("desired"));
  instance.observed = read_observed(reader.object("observed"));
  TRY_VOID(reader.finish());
  return instance;
}

}  // namespace cumulet::control
