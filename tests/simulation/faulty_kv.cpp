// The store that fails.
#include "faulty_kv.h"

namespace cumulet::simulation {

namespace {
tl::unexpected<Error> injected() { return fail(ErrorCode::kUnavailable, "injected store failure"); }
}  // namespace

Result<std::optional<store::Entry>> FaultyKv::get(std::string_view key) {
  if (faults_.fails()) return injected();
  return kv_.get(key);
}

Result<store::Range> FaultyKv::range(std::string_view prefix, const store::RangeOptions& options) {
  return kv_.range(prefix, options);
}

// An error leaves open whether the transaction was applied: both happen.
Result<uint64_t> FaultyKv::commit(const store::Transaction& transaction) {
  if (faults_.fails()) return injected();
  Result<uint64_t> revision = kv_.commit(transaction);
  if (faults_.fails()) return injected();
  return revision;
}

// Nobody else runs while a simulation waits, so waiting makes no sense.
Result<store::Changes> FaultyKv::watch(std::string_view prefix, uint64_t revision, uint32_t) {
  return kv_.watch(prefix, revision, 0);
}

}  // namespace cumulet::simulation
