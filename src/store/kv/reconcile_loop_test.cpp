// Tests of the reconcile loop: what is due is called, and nothing else.
#include "store/kv/reconcile_loop.h"

#include <chrono>
#include <functional>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <utility>
#include <vector>

#include "base/log.h"
#include "store/kv/memory_kv.h"

namespace cumulet::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Recorder final : public Reconciler {
 public:
  [[nodiscard]] std::string_view name() const override { return "recorder"; }
  [[nodiscard]] std::string_view prefix() const override { return "k/"; }
  [[nodiscard]] Result<std::optional<uint64_t>> reconcile(const std::string& key,
                                                          const std::optional<std::string>& value) override {
    calls.push_back(key + "=" + value.value_or("deleted"));
    return answer();
  }
  std::vector<std::string> take() { return std::exchange(calls, {}); }

  std::vector<std::string> calls;
  std::function<Result<std::optional<uint64_t>>()> answer = [] { return std::nullopt; };
};

class ReconcileLoopTest : public testing::Test {
 protected:
  void SetUp() override { spdlog::set_level(spdlog::level::off); }
  void put(const char* key, const char* value) { ASSERT_TRUE(kv_.commit({{}, {{key, value}}})); }
  std::vector<std::string> step(uint64_t advance_ms = 0) {
    clock_.advance_ns(advance_ms * 1'000'000);
    EXPECT_TRUE(loop_.step(0));
    return recorder_.take();
  }

  MemoryKv kv_{4};
  ManualClock clock_;
  Recorder recorder_;
  ReconcileLoop loop_{kv_, clock_, recorder_, 60'000};
};

TEST_F(ReconcileLoopTest, EveryKeyAtTheStartThenWhatChanges) {
  put("k/a", "1");
  put("other", "1");
  EXPECT_THAT(step(), ElementsAre("k/a=1"));
  EXPECT_THAT(step(), IsEmpty());
  put("k/a", "2");
  put("k/b", "1");
  put("other", "2");
  EXPECT_THAT(step(), ElementsAre("k/a=2", "k/b=1"));
  ASSERT_TRUE(kv_.commit({{}, {{"k/a", std::nullopt}}}));
  EXPECT_THAT(step(), ElementsAre("k/a=deleted"));
  EXPECT_THAT(step(60'000), ElementsAre("k/b=1"));
}

TEST_F(ReconcileLoopTest, WhatAsksForALaterLookGetsIt) {
  put("k/a", "1");
  recorder_.answer = [] { return 100; };
  EXPECT_THAT(step(), ElementsAre("k/a=1"));
  EXPECT_THAT(step(99), IsEmpty());
  EXPECT_THAT(step(1), ElementsAre("k/a=1"));
}

TEST_F(ReconcileLoopTest, FailuresAreRepeatedEverLater) {
  put("k/a", "1");
  recorder_.answer = [] { return fail(ErrorCode::kUnavailable, "down"); };
  EXPECT_THAT(step(), ElementsAre("k/a=1"));
  EXPECT_THAT(step(250), ElementsAre("k/a=1"));
  EXPECT_THAT(step(250), IsEmpty());
  EXPECT_THAT(step(250), ElementsAre("k/a=1"));
  put("k/a", "2");  // a change is a new beginning
  EXPECT_THAT(step(), ElementsAre("k/a=2"));
  recorder_.answer = [] { return std::nullopt; };
  EXPECT_THAT(step(250), ElementsAre("k/a=2"));
  EXPECT_THAT(step(30'000), IsEmpty());
}

TEST_F(ReconcileLoopTest, ADeletionWhoseHistoryIsLostIsStillSeen) {
  put("k/a", "1");
  EXPECT_THAT(step(), ElementsAre("k/a=1"));
  ASSERT_TRUE(kv_.commit({{}, {{"k/a", std::nullopt}}}));
  for (int i = 0; i < 10; ++i) put("other", "x");
  EXPECT_THAT(step(), ElementsAre("k/a=deleted"));
  EXPECT_THAT(step(60'000), IsEmpty());
}

TEST_F(ReconcileLoopTest, AThreadDrivesItUntilItIsDestroyed) {
  const SystemClock clock;
  put("k/a", "1");
  std::promise<void> reconciled;
  recorder_.answer = [&reconciled, first = true]() mutable {
    if (std::exchange(first, false)) reconciled.set_value();
    return std::nullopt;
  };
  {
    const ReconcileThread thread(kv_, clock, recorder_);
    EXPECT_EQ(reconciled.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  }
  kv_.interrupt_watches();
}

}  // namespace
}  // namespace cumulet::store
