// MemoryKv: the reference implementation of Kv, in memory: for tests and simulations, durable in nothing.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>

#include "store/kv/kv.h"

namespace cumulet::store {

class MemoryKv final : public Kv {
 public:
  // Deletions older than `kept_revisions` are forgotten.
  explicit MemoryKv(uint64_t kept_revisions = 10'000) : kept_revisions_(kept_revisions) {}

  [[nodiscard]] Result<std::optional<Entry>> get(std::string_view key) override;
  [[nodiscard]] Result<Range> range(std::string_view prefix, const RangeOptions& options = {}) override;
  [[nodiscard]] Result<uint64_t> commit(const Transaction& transaction) override;
  [[nodiscard]] Result<Changes> watch(std::string_view prefix, uint64_t revision,
                                      uint32_t timeout_ms) override;
  void interrupt_watches() override;

 private:
  struct Slot {
    std::optional<std::string> value;  // none: deleted at `revision`
    uint64_t revision = 0;
  };
  void forget_old_deletions();
  [[nodiscard]] std::vector<Change> changes_since(std::string_view prefix, uint64_t revision) const;

  const uint64_t kept_revisions_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Slot, std::less<>> slots_;
  uint64_t revision_ = 0;
  uint64_t forgotten_ = 0;  // deletions up to this revision are not remembered
  bool interrupted_ = false;
};

}  // namespace cumulet::store
