// The reference implementation of Kv.
#include "store/kv/memory_kv.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "store/kv/transaction.h"

namespace cumulet::store {

Result<std::optional<Entry>> MemoryKv::get(std::string_view key) {
  const std::lock_guard lock(mutex_);
  const auto found = slots_.find(key);
  if (found == slots_.end() || !found->second.value) return std::nullopt;
  return Entry{found->first, *found->second.value, found->second.revision};
}

Result<Range> MemoryKv::range(std::string_view prefix, const RangeOptions& options) {
  const std::lock_guard lock(mutex_);
  Range range;
  range.revision = revision_;
  auto next = options.after >= prefix ? slots_.upper_bound(options.after) : slots_.lower_bound(prefix);
  for (; next != slots_.end() && next->first.starts_with(prefix); ++next) {
    if (!next->second.value) continue;
    if (options.limit != 0 && range.entries.size() == options.limit) {
      range.more = true;
      break;
    }
    range.entries.push_back({next->first, *next->second.value, next->second.revision});
  }
  return range;
}

Result<uint64_t> MemoryKv::commit(const Transaction& transaction) {
  check_transaction(transaction);
  const std::lock_guard lock(mutex_);
  for (const Compare& compare : transaction.compares) {
    const auto found = slots_.find(compare.key);
    const uint64_t revision = found == slots_.end() || !found->second.value ? 0 : found->second.revision;
    if (revision != compare.revision) return fail(conflict_on(compare.key));
  }
  if (transaction.writes.empty()) return revision_;
  ++revision_;
  for (const Write& write : transaction.writes) slots_[write.key] = Slot{write.value, revision_};
  forget_old_deletions();
  changed_.notify_all();
  return revision_;
}

void MemoryKv::forget_old_deletions() {
  if (revision_ <= kept_revisions_) return;
  const uint64_t limit = revision_ - kept_revisions_;
  const auto erased = std::erase_if(
      slots_, [&](const auto& slot) { return !slot.second.value && slot.second.revision <= limit; });
  if (erased != 0) forgotten_ = limit;
}

std::vector<Change> MemoryKv::changes_since(std::string_view prefix, uint64_t revision) const {
  std::vector<Change> changes;
  for (auto next = slots_.lower_bound(prefix); next != slots_.end() && next->first.starts_with(prefix);
       ++next)
    if (next->second.revision > revision)
      changes.push_back({next->first, next->second.value, next->second.revision});
  std::stable_sort(changes.begin(), changes.end(),
                   [](const Change& a, const Change& b) { return a.revision < b.revision; });
  return changes;
}

Result<Changes> MemoryKv::watch(std::string_view prefix, uint64_t revision, uint32_t timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  std::unique_lock lock(mutex_);
  while (true) {
    if (revision < forgotten_) return fail(history_forgotten());
    Changes answer{changes_since(prefix, revision), revision_};
    if (!answer.changes.empty() || interrupted_) return answer;
    if (changed_.wait_until(lock, deadline) == std::cv_status::timeout) timeout_ms = 0;
    if (timeout_ms == 0) return Changes{changes_since(prefix, revision), revision_};
  }
}

void MemoryKv::interrupt_watches() {
  const std::lock_guard lock(mutex_);
  interrupted_ = true;
  changed_.notify_all();
}

}  // namespace cumulet::store
