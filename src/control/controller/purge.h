// Purge: forgets instances an hour after their termination, as AWS does.
#pragma once

#include "base/clock.h"
#include "store/kv/kv.h"
#include "store/kv/reconcile_loop.h"

namespace cumulet::control {

inline constexpr int64_t kTerminatedVisibleMs = 60LL * 60 * 1000;

class Purge final : public store::Reconciler {
 public:
  Purge(store::Kv& kv, const Clock& clock) : kv_(kv), clock_(clock) {}

  [[nodiscard]] std::string_view name() const override { return "purge"; }
  [[nodiscard]] std::string_view prefix() const override;
  [[nodiscard]] Result<std::optional<uint64_t>> reconcile(const std::string& key,
                                                          const std::optional<std::string>& value) override;

 private:
  store::Kv& kv_;
  const Clock& clock_;
};

}  // namespace cumulet::control
