// Crashes between any two steps of an instance's life: nothing is lost, nothing is there twice.
#include <gtest/gtest.h>

#include "simulated_cloud.h"

#include "control/scheduler/place.h"

namespace cumulet::simulation {
namespace {

using control::InstanceId;
using control::InstanceState;

void expect_no_problem(SimulatedCloud& cloud, const char* when) { EXPECT_EQ(cloud.problem(), "") << when; }

// Launch two, use one in every way, terminate both, wait until they are forgotten.
void whole_life(SimulatedCloud& cloud) {
  const auto launched = cloud.launch(cloud.request("token", 2));
  ASSERT_TRUE(launched) << launched.error().to_string();
  ASSERT_EQ(launched->instances.size(), 2U);
  const InstanceId one = launched->instances[0].id;
  const InstanceId two = launched->instances[1].id;
  const auto both_run = [&] {
    return cloud.is(one, InstanceState::kRunning) && cloud.is(two, InstanceState::kRunning);
  };
  ASSERT_TRUE(cloud.run_until(both_run));
  EXPECT_EQ(control::list_instances(cloud.disk).value().size(), 2U);
  expect_no_problem(cloud, "running");

  ASSERT_TRUE(cloud.insist([&] { return control::stop_instances(cloud.kv, {one}, false, cloud.now_ms()); }));
  ASSERT_TRUE(cloud.run_until([&] { return cloud.is(one, InstanceState::kStopped); }));
  EXPECT_EQ(cloud.instance(one).desired.reason.code, "Client.UserInitiatedShutdown");
  expect_no_problem(cloud, "stopped");

  ASSERT_TRUE(cloud.insist(
      [&] { return control::start_instances(cloud.kv, {one}, control::place, cloud.now_ms()); }));
  ASSERT_TRUE(cloud.run_until(both_run));
  expect_no_problem(cloud, "started");

  ASSERT_TRUE(cloud.insist([&] { return control::reboot_instances(cloud.kv, {one}); }));
  ASSERT_TRUE(cloud.run_until([&] {
    const auto instance = cloud.instance(one);
    return instance.observed.reboots == instance.desired.reboots;
  }));
  ASSERT_NE(cloud.vmms.find(one), nullptr);
  EXPECT_GE(cloud.vmms.find(one)->resets, 1U);

  cloud.vmms.end(two, std::nullopt);  // kill -9 of a VMM
  ASSERT_TRUE(cloud.run_until([&] { return cloud.is(two, InstanceState::kStopped); }));
  EXPECT_EQ(cloud.instance(two).desired.reason.code, "Server.InternalError");
  expect_no_problem(cloud, "killed");

  ASSERT_TRUE(cloud.insist([&] {
    return control::terminate_instances(cloud.kv, {one, two}, cloud.now_ms());
  }));
  ASSERT_TRUE(cloud.run_until([&] {
    return cloud.is(one, InstanceState::kTerminated) && cloud.is(two, InstanceState::kTerminated);
  }));
  expect_no_problem(cloud, "terminated");

  const auto is_empty = [&] { return control::list_instances(cloud.disk).value().empty(); };
  cloud.clock.advance_ns(uint64_t{control::kTerminatedVisibleMs} * 1'000'000);
  ASSERT_TRUE(cloud.run_until([&] { return is_empty() && cloud.vmms.list().value().empty(); }));
  EXPECT_FALSE(control::find_client_token(cloud.disk, "123456789012", "token").value());
  expect_no_problem(cloud, "forgotten");
}

TEST(Crash, BetweenAnyTwoSteps) {
  uint64_t points = 0;
  {
    SimulatedCloud cloud;
    whole_life(cloud);
    points = cloud.faults.points();
  }
  ASSERT_GT(points, 50U);
  for (uint64_t point = 0; point < points && !testing::Test::HasFailure(); ++point) {
    SCOPED_TRACE(testing::Message() << "crash at point " << point << " of " << points);
    SimulatedCloud cloud(Faults::crash_at(point));
    whole_life(cloud);
  }
}

TEST(Crash, ManyCrashesAndErrorsAtRandom) {
  for (uint32_t seed = 1; seed <= 60 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    SimulatedCloud cloud(Faults::random(seed, 5 + seed % 20, 2'000));
    whole_life(cloud);
  }
}

}  // namespace
}  // namespace cumulet::simulation
