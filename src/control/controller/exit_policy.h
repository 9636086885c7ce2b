// ExitPolicy: decides what follows when an instance ended by itself: it is stopped, or terminated.
#pragma once

#include "base/clock.h"
#include "store/kv/kv.h"
#include "store/kv/reconcile_loop.h"

namespace cumulet::control {

// A guest that powered itself off gets what its InstanceInitiatedShutdownBehavior says. One that failed is
// stopped, so that it can be started again; if it failed before it ever ran, it is terminated, as in AWS.
class ExitPolicy final : public store::Reconciler {
 public:
  ExitPolicy(store::Kv& kv, const Clock& clock) : kv_(kv), clock_(clock) {}

  [[nodiscard]] std::string_view name() const override { return "exit policy"; }
  [[nodiscard]] std::string_view prefix() const override;
  [[nodiscard]] Result<std::optional<uint64_t>> reconcile(const std::string& key,
                                                          const std::optional<std::string>& value) override;

 private:
  store::Kv& kv_;
  const Clock& clock_;
};

}  // namespace cumulet::control
