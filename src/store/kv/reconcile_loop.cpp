// Driving reconcilers from the store's changes and from time.
#include "store/kv/reconcile_loop.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"

namespace cumulet::store {

namespace {
constexpr uint64_t kFirstRetryMs = 250;
constexpr uint64_t kLastRetryMs = 30'000;
constexpr uint32_t kStepMs = 500;  // how long a loop's thread may take to notice that it shall end
}  // namespace

ReconcileLoop::ReconcileLoop(Kv& kv, const Clock& clock, Reconciler& reconciler, uint64_t resync_ms)
    : kv_(kv), clock_(clock), reconciler_(reconciler), resync_ms_(resync_ms) {}

Result<> ReconcileLoop::read_all() {
  Range range = TRY(kv_.range(reconciler_.prefix()));
  // A key that is gone although no change said so was deleted while the history was lost.
  for (auto& [key, pending] : keys_) pending.value.reset();
  for (Entry& entry : range.entries) keys_[entry.key].value = std::move(entry.value);
  for (auto& [key, pending] : keys_) pending.due_ms = now_ms();
  revision_ = range.revision;
  next_resync_ms_ = now_ms() + resync_ms_;
  return {};
}

Result<> ReconcileLoop::take_changes(uint32_t wait_ms) {
  Result<Changes> changes = kv_.watch(reconciler_.prefix(), revision_, wait_ms);
  if (!changes) {
    if (changes.error().code == ErrorCode::kFailedPrecondition) return read_all();
    return fail(std::move(changes).error());
  }
  for (Change& change : changes->changes) {
    Pending& pending = keys_[change.key];
    pending.value = std::move(change.value);
    pending.due_ms = now_ms();
    pending.failures = 0;
  }
  revision_ = changes->revision;
  return {};
}

uint32_t ReconcileLoop::time_to_next(uint32_t maximum_wait_ms) const {
  const uint64_t now = now_ms();
  uint64_t next = now + maximum_wait_ms;
  for (const auto& [key, pending] : keys_)
    if (pending.due_ms) next = std::min(next, *pending.due_ms);
  return next > now ? static_cast<uint32_t>(next - now) : 0;
}

void ReconcileLoop::reconcile_one(const std::string& key, Pending& pending) {
  pending.due_ms.reset();
  const Result<std::optional<uint64_t>> again = reconciler_.reconcile(key, pending.value);
  if (again) {
    pending.failures = 0;
    if (*again) pending.due_ms = now_ms() + **again;
    return;
  }
  const uint64_t delay = std::min(kLastRetryMs, kFirstRetryMs << std::min(pending.failures, 10U));
  ++pending.failures;
  pending.due_ms = now_ms() + delay;
  spdlog::warn("{}: {}: {}; again in {} ms", reconciler_.name(), key, again.error().to_string(), delay);
}

Result<> ReconcileLoop::step(uint32_t maximum_wait_ms) {
  if (!next_resync_ms_ || now_ms() >= *next_resync_ms_)
    TRY_VOID(read_all());
  else
    TRY_VOID(take_changes(time_to_next(maximum_wait_ms)));
  const uint64_t now = now_ms();
  for (auto next = keys_.begin(); next != keys_.end();) {
    auto& [key, pending] = *next;
    if (pending.due_ms && *pending.due_ms <= now) reconcile_one(key, pending);
    const bool finished = !pending.value && !pending.due_ms;
    next = finished ? keys_.erase(next) : std::next(next);
  }
  return {};
}

ReconcileThread::ReconcileThread(Kv& kv, const Clock& clock, Reconciler& reconciler)
    : reconciler_(reconciler), loop_(kv, clock, reconciler), thread_([this] { run(); }) {}

ReconcileThread::~ReconcileThread() {
  stopping_ = true;
  thread_.join();
}

void ReconcileThread::run() {
  while (!stopping_) {
    const Result<> done = loop_.step(kStepMs);
    if (done) continue;
    spdlog::error("{}: {}", reconciler_.name(), done.error().to_string());
    std::this_thread::sleep_for(std::chrono::milliseconds(kStepMs));
  }
}

}  // namespace cumulet::store
