// Instances in the store: find, change, forget.
#include "control/resource/instance_store.h"

#include "control/resource/instance_record.h"
#include "control/resource/keys.h"
#include "control/resource/record_range.h"
#include "control/resource/retry.h"
#include "control/resource/token_record.h"

namespace cumulet::control {

Result<std::optional<Instance>> find_instance(store::Kv& kv, const InstanceId& id) {
  const auto entry = TRY(kv.get(instance_key(id)));
  if (!entry) return std::nullopt;
  return TRY(decode_instance(entry->value));
}

Result<std::vector<Instance>> list_instances(store::Kv& kv) {
  return decode_range<Instance>(kv, kInstancePrefix, decode_instance);
}

Result<Instance> update_instance(store::Kv& kv, const InstanceId& id,
                                 const std::function<Result<bool>(Instance&)>& change) {
  return retry_on_conflict([&]() -> Result<Instance> {
    const auto entry = TRY(kv.get(instance_key(id)));
    if (!entry) return fail(ErrorCode::kNotFound, "The instance ID '" + id.str() + "' does not exist");
    Instance instance = TRY(decode_instance(entry->value));
    const bool held = holds_capacity(instance);
    if (!TRY(change(instance))) return instance;
    store::Transaction transaction;
    transaction.compares.push_back({entry->key, entry->revision});
    transaction.writes.push_back({entry->key, encode_instance(instance)});
    // What it occupied is free in the same moment that it no longer occupies it.
    if (held && !holds_capacity(instance)) transaction.writes.push_back({allocation_key(id), std::nullopt});
    TRY(kv.commit(transaction));
    return instance;
  });
}

Result<> delete_instance(store::Kv& kv, const InstanceId& id) {
  return retry_on_conflict([&]() -> Result<> {
    const auto entry = TRY(kv.get(instance_key(id)));
    if (!entry) return {};
    const Instance instance = TRY(decode_instance(entry->value));
    store::Transaction transaction;
    transaction.compares.push_back({entry->key, entry->revision});
    transaction.writes.push_back({entry->key, std::nullopt});
    transaction.writes.push_back({allocation_key(id), std::nullopt});
    if (!instance.client_token.empty()) {
      const auto token = TRY(kv.get(client_token_key(instance.owner_id, instance.client_token)));
      if (token) {
        const TokenRecord record = TRY(decode_token(token->value));
        bool last = true;
        for (const InstanceId& other : record.instances)
          if (other != id && TRY(kv.get(instance_key(other)))) last = false;
        transaction.compares.push_back({token->key, token->revision});
        // Rewritten if kept, so that two of its instances deleted at once do not both think they are not the
        // last.
        transaction.writes.push_back({token->key, last ? std::nullopt : std::optional(token->value)});
      }
    }
    TRY(kv.commit(transaction));
    return {};
  });
}

}  // namespace cumulet::control
