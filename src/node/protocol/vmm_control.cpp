// Encoding and decoding of control requests and answers.
#include "node/protocol/vmm_control.h"

#include <array>
#include <boost/json.hpp>

#include "node/protocol/json_fields.h"

namespace cumulet::node {

namespace {
constexpr std::array<std::string_view, 4> kRequestNames = {"status", "press_power_button", "reset", "kill"};
}

std::string encode_request(VmmRequest request) {
  boost::json::object json = {{"request", kRequestNames[static_cast<size_t>(request)]}};
  return boost::json::serialize(json) + "\n";
}

Result<VmmRequest> decode_request(std::string_view line) {
  JsonFields fields = TRY(JsonFields::parse(line, "control request"));
  std::string name = TRY(fields.string("request"));
  TRY_VOID(fields.expect_no_others());
  for (size_t i = 0; i < kRequestNames.size(); ++i) {
    if (kRequestNames[i] == name) return static_cast<VmmRequest>(i);
  }
  return fail(ErrorCode::kInvalidArgument, "unknown control request '" + name + "'");
}

std::string encode_answer(const VmmAnswer& answer) {
  boost::json::object json = {{"ok", answer.ok}};
  if (!answer.ok) json["error"] = answer.error;
  json["instance_id"] = answer.status.instance_id;
  json["state"] = answer.status.state;
  json["engine"] = answer.status.engine;
  json["process_id"] = answer.status.process_id;
  json["resets"] = answer.status.resets;
  json["uptime_ms"] = answer.status.uptime_ms;
  return boost::json::serialize(json) + "\n";
}

Result<VmmAnswer> decode_answer(std::string_view line) {
  JsonFields fields = TRY(JsonFields::parse(line, "control answer"));
  VmmAnswer answer;
  if (!fields.has("ok"))
    return fail(ErrorCode::kInvalidArgument, "field 'ok' of the control answer is missing");
  answer.ok = TRY(fields.boolean_or("ok", false));
  answer.error = TRY(fields.string_or("error", ""));
  answer.status.instance_id = TRY(fields.string_or("instance_id", ""));
  answer.status.state = TRY(fields.string_or("state", ""));
  answer.status.engine = TRY(fields.string_or("engine", ""));
  answer.status.process_id = TRY(fields.number_or("process_id", 0));
  answer.status.resets = TRY(fields.number_or("resets", 0));
  answer.status.uptime_ms = TRY(fields.number_or("uptime_ms", 0));
  return answer;
}

}  // namespace cumulet::node
