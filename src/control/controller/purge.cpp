// Forgetting terminated instances.
#include "control/controller/purge.h"

#include "control/resource/instance_record.h"
#include "control/resource/instance_store.h"
#include "control/resource/keys.h"

namespace cumulet::control {

std::string_view Purge::prefix() const { return kInstancePrefix; }

Result<std::optional<uint64_t>> Purge::reconcile(const std::string&,
                                                 const std::optional<std::string>& value) {
  if (!value) return std::nullopt;
  const Instance instance = TRY(decode_instance(*value));
  if (visible_state(instance) != InstanceState::kTerminated) return std::nullopt;
  const auto now_ms = static_cast<int64_t>(clock_.wall_ns() / 1'000'000);
  const int64_t left_ms = instance.observed.since_ms + kTerminatedVisibleMs - now_ms;
  if (left_ms > 0) return static_cast<uint64_t>(left_ms);
  TRY_VOID(delete_instance(kv_, instance.id));
  return std::nullopt;
}

}  // namespace cumulet::control
