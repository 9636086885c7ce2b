// FaultyKv: a store that dies or fails around every commit.
#pragma once

#include "faults.h"

#include "store/kv/kv.h"

namespace cumulet::simulation {

class FaultyKv final : public store::Kv {
 public:
  FaultyKv(store::Kv& kv, Faults& faults) : kv_(kv), faults_(faults) {}

  [[nodiscard]] Result<std::optional<store::Entry>> get(std::string_view key) override;
  [[nodiscard]] Result<store::Range> range(std::string_view prefix,
                                           const store::RangeOptions& options) override;
  [[nodiscard]] Result<uint64_t> commit(const store::Transaction& transaction) override;
  [[nodiscard]] Result<store::Changes> watch(std::string_view prefix, uint64_t revision,
                                             uint32_t timeout_ms) override;
  void interrupt_watches() override { kv_.interrupt_watches(); }

 private:
  store::Kv& kv_;
  Faults& faults_;
};

}  // namespace cumulet::simulation
