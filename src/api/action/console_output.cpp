// GetConsoleOutput.
#include "api/action/actions.h"
#include "api/action/resource_ids.h"
#include "api/shape/base64.h"

namespace cumulet::api {

namespace {
constexpr size_t kMaxConsoleBytes = 64 << 10;  // AWS returns the most recent 64 KiB
}

Outcome<ec2::GetConsoleOutputResult> get_console_output(ActionContext& context,
                                                        const ec2::GetConsoleOutputRequest& request) {
  // `Latest` asks for what the guest has written up to now; here the answer is never older than that.
  auto ids = TRY(parse_instance_ids({*request.instance_id}));
  TRY(find_instances(context.cloud.kv, ids));
  TRY_VOID(check_dry_run(request.dry_run));
  ec2::GetConsoleOutputResult result;
  result.instance_id = ids[0].str();
  auto console = context.cloud.read_console(ids[0]);
  if (!console && console.error().code != ErrorCode::kNotFound)
    return tl::unexpected(ApiError(console.error()));
  result.timestamp = Timestamp{console ? console->timestamp_ms : context.cloud.now_ms()};
  if (!console || console->bytes.empty()) return result;
  std::string_view bytes = console->bytes;
  if (bytes.size() > kMaxConsoleBytes) bytes.remove_prefix(bytes.size() - kMaxConsoleBytes);
  result.output = base64_encode(bytes);
  return result;
}

}  // namespace cumulet::api
