// VmmConfig to JSON and back.
#include "node/protocol/vmm_config.h"

#include <boost/json.hpp>

#include "node/protocol/json_fields.h"

namespace cumulet::node {

namespace {
constexpr std::array<std::string_view, 3> kEngineNames = {"auto", "emulated", "kvm"};
}

std::string_view engine_choice_name(EngineChoice choice) { return kEngineNames[static_cast<size_t>(choice)]; }

Result<EngineChoice> parse_engine_choice(std::string_view name) {
  for (size_t i = 0; i < kEngineNames.size(); ++i) {
    if (kEngineNames[i] == name) return static_cast<EngineChoice>(i);
  }
  return fail(ErrorCode::kInvalidArgument,
              "unknown engine '" + std::string(name) + "': choose auto, emulated or kvm");
}

std::string encode_vmm_config(const VmmConfig& config) {
  boost::json::object json = {
      {"instance_id", config.instance_id},
      {"kernel", config.kernel},
      {"initrd", config.initrd},
      {"command_line", config.command_line},
      {"memory_mib", config.memory_mib},
      {"vcpus", config.vcpus},
      {"engine", engine_choice_name(config.engine)},
      {"console_file", config.console_file},
      {"control_socket", config.control_socket},
      {"exit_file", config.exit_file},
      {"lock_file", config.lock_file},
      {"product_uuid", config.product_uuid},
      {"debug_exit", config.debug_exit},
  };
  return boost::json::serialize(json) + "\n";
}

Result<VmmConfig> parse_vmm_config(std::string_view json) {
  JsonFields fields = TRY(JsonFields::parse(json, "VMM configuration"));
  VmmConfig config;
  config.instance_id = TRY(fields.string("instance_id"));
  config.kernel = TRY(fields.string("kernel"));
  config.initrd = TRY(fields.string_or("initrd", ""));
  config.command_line = TRY(fields.string_or("command_line", ""));
  config.memory_mib = TRY(fields.number("memory_mib", kMinimumMemoryMib, kMaximumMemoryMib));
  config.vcpus = static_cast<uint32_t>(TRY(fields.number("vcpus", 1, kMaximumVcpus)));
  std::string engine = TRY(fields.string_or("engine", "auto"));
  config.engine = TRY(parse_engine_choice(engine));
  config.console_file = TRY(fields.string("console_file"));
  config.control_socket = TRY(fields.string("control_socket"));
  config.exit_file = TRY(fields.string("exit_file"));
  config.lock_file = TRY(fields.string_or("lock_file", ""));
  config.product_uuid = TRY(fields.string_or("product_uuid", ""));
  config.debug_exit = TRY(fields.boolean_or("debug_exit", false));
  TRY_VOID(fields.expect_no_others());
  return config;
}

}  // namespace cumulet::node
