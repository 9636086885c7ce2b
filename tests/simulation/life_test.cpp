// The rules of an instance's life: who ends it, what follows, what is refused, and what is free afterwards.
#include <gtest/gtest.h>

#include "simulated_cloud.h"

#include "control/resource/host_store.h"
#include "control/scheduler/place.h"

namespace cumulet::simulation {
namespace {

using control::InstanceId;
using control::InstanceState;
using node::VmmExit;
using node::VmmExitReason;

class LifeTest : public testing::Test {
 protected:
  InstanceId running(control::ShutdownBehavior behavior = control::ShutdownBehavior::kStop) {
    control::LaunchRequest request = cloud_.request("");
    request.shutdown_behavior = behavior;
    const InstanceId id = cloud_.launch(request).value().instances.front().id;
    EXPECT_TRUE(reaches(id, InstanceState::kRunning));
    return id;
  }
  bool reaches(const InstanceId& id, InstanceState state) {
    return cloud_.run_until([&] { return cloud_.is(id, state); });
  }
  control::StateReason reason(const InstanceId& id) {
    return control::visible_state_reason(cloud_.instance(id));
  }

  SimulatedCloud cloud_;
};

TEST_F(LifeTest, TheVmmIsToldImageTypeAndIdentity) {
  const InstanceId id = running();
  const node::VmmConfig& config = cloud_.vmms.find(id)->config;
  EXPECT_EQ(config.kernel, "/state/images/ami-1/vmlinuz");
  EXPECT_EQ(config.initrd, "");
  EXPECT_EQ(config.memory_mib, 512U);
  EXPECT_EQ(config.vcpus, 2U);
  EXPECT_TRUE(config.product_uuid.starts_with("ec2"));
}

TEST_F(LifeTest, AGuestThatPowersOffIsStopped) {
  const InstanceId id = running();
  cloud_.vmms.end(id, VmmExit{VmmExitReason::kPoweroff, 0, {}});
  EXPECT_TRUE(reaches(id, InstanceState::kStopped));
  EXPECT_EQ(reason(id).code, "Client.InstanceInitiatedShutdown");
}

TEST_F(LifeTest, OrTerminatedIfThatIsItsShutdownBehavior) {
  const InstanceId id = running(control::ShutdownBehavior::kTerminate);
  cloud_.vmms.end(id, VmmExit{VmmExitReason::kPoweroff, 0, {}});
  EXPECT_TRUE(reaches(id, InstanceState::kTerminated));
  EXPECT_EQ(reason(id).code, "Client.InstanceInitiatedShutdown");
}

TEST_F(LifeTest, ACrashIsStoppedWhateverTheShutdownBehavior) {
  const InstanceId id = running(control::ShutdownBehavior::kTerminate);
  cloud_.vmms.end(id, VmmExit{VmmExitReason::kFailure, 0, "no more memory"});
  EXPECT_TRUE(reaches(id, InstanceState::kStopped));
  EXPECT_EQ(reason(id).code, "Server.InternalError");
  EXPECT_NE(reason(id).message.find("no more memory"), std::string::npos);
}

TEST_F(LifeTest, AFirstLaunchThatFailsIsTerminatedAndSaysWhy) {
  cloud_.vmms.fail_every_start_with = VmmExit{VmmExitReason::kFailure, 0, "not a kernel"};
  const InstanceId id = cloud_.launch(cloud_.request("")).value().instances.front().id;
  EXPECT_TRUE(reaches(id, InstanceState::kTerminated));
  EXPECT_NE(reason(id).message.find("not a kernel"), std::string::npos);
  EXPECT_EQ(cloud_.vmms.starts(), 1U);
  EXPECT_EQ(cloud_.problem(), "");
}

TEST_F(LifeTest, ALaterLaunchThatFailsIsStopped) {
  const InstanceId id = running();
  ASSERT_TRUE(control::stop_instances(cloud_.kv, {id}, true, cloud_.now_ms()));
  ASSERT_TRUE(reaches(id, InstanceState::kStopped));
  cloud_.vmms.fail_every_start_with = VmmExit{VmmExitReason::kFailure, 0, "not a kernel"};
  ASSERT_TRUE(control::start_instances(cloud_.kv, {id}, control::place, cloud_.now_ms()));
  EXPECT_EQ(cloud_.state(id), InstanceState::kPending);
  EXPECT_TRUE(reaches(id, InstanceState::kStopped));
}

TEST_F(LifeTest, AGuestThatIgnoresThePowerButtonIsKilledAfterTheGrace) {
  cloud_.vmms.guests_obey_power_button = false;
  const InstanceId id = running();
  ASSERT_TRUE(control::stop_instances(cloud_.kv, {id}, false, cloud_.now_ms()));
  EXPECT_FALSE(cloud_.run_until([&] { return cloud_.is(id, InstanceState::kStopped); }, 15'000));
  EXPECT_EQ(cloud_.state(id), InstanceState::kStopping);
  EXPECT_TRUE(cloud_.run_until([&] { return cloud_.is(id, InstanceState::kStopped); }, 10'000));
}

TEST_F(LifeTest, AForcedStopDoesNotWait) {
  cloud_.vmms.guests_obey_power_button = false;
  const InstanceId id = running();
  ASSERT_TRUE(control::stop_instances(cloud_.kv, {id}, false, cloud_.now_ms()));
  EXPECT_FALSE(cloud_.run_until([&] { return cloud_.is(id, InstanceState::kStopped); }, 2'000));
  ASSERT_TRUE(control::stop_instances(cloud_.kv, {id}, true, cloud_.now_ms()));
  EXPECT_TRUE(cloud_.run_until([&] { return cloud_.is(id, InstanceState::kStopped); }, 2'000));
}

TEST_F(LifeTest, ALaunchThatNeverComesUpIsGivenUp) {
  const InstanceId id = cloud_.launch(cloud_.request("")).value().instances.front().id;
  ASSERT_TRUE(cloud_.run_until([&] { return cloud_.vmms.find(id) != nullptr; }));
  cloud_.vmms.find(id)->looks_until_running = 1'000'000;
  EXPECT_TRUE(cloud_.run_until([&] { return cloud_.is(id, InstanceState::kTerminated); }, 200'000));
}

TEST_F(LifeTest, CapacityIsRefusedUpFrontAndFreeAgainAfterAStop) {
  ASSERT_TRUE(control::put_host(cloud_.disk, {control::HostId("h"), "z", "machine", {64, 1100}}));
  EXPECT_EQ(cloud_.launch(cloud_.request("many", 3)).error().code, ErrorCode::kResourceExhausted);
  EXPECT_TRUE(control::list_instances(cloud_.disk).value().empty());
  const InstanceId one = running();
  const InstanceId two = running();
  EXPECT_EQ(cloud_.launch(cloud_.request("")).error().code, ErrorCode::kResourceExhausted);
  ASSERT_TRUE(control::stop_instances(cloud_.kv, {one}, true, cloud_.now_ms()));
  ASSERT_TRUE(reaches(one, InstanceState::kStopped));
  const InstanceId three = running();
  EXPECT_EQ(control::start_instances(cloud_.kv, {one}, control::place, cloud_.now_ms()).error().code,
            ErrorCode::kResourceExhausted);
  EXPECT_EQ(cloud_.state(one), InstanceState::kStopped);
  ASSERT_TRUE(control::terminate_instances(cloud_.kv, {two, three}, cloud_.now_ms()));
  ASSERT_TRUE(reaches(two, InstanceState::kTerminated));
  EXPECT_TRUE(control::start_instances(cloud_.kv, {one}, control::place, cloud_.now_ms()));
  EXPECT_TRUE(reaches(one, InstanceState::kRunning));
}

TEST_F(LifeTest, MaximumCountTakesWhatThereIs) {
  ASSERT_TRUE(control::put_host(cloud_.disk, {control::HostId("h"), "z", "machine", {64, 1100}}));
  control::LaunchRequest request = cloud_.request("");
  request.max_count = 10;
  EXPECT_EQ(cloud_.launch(request).value().instances.size(), 2U);
}

TEST_F(LifeTest, ARepeatedTokenMakesNothingNewAndTellsTheFirstFingerprint) {
  const auto first = cloud_.launch(cloud_.request("token", 2)).value();
  control::LaunchRequest changed = cloud_.request("token", 1);
  changed.fingerprint = "changed";
  const auto second = cloud_.launch(changed).value();
  EXPECT_TRUE(second.replayed);
  EXPECT_EQ(second.fingerprint, "token");
  EXPECT_EQ(second.reservation_id, first.reservation_id);
  EXPECT_EQ(second.instances.size(), 2U);
  EXPECT_EQ(control::list_instances(cloud_.disk).value().size(), 2U);
}

TEST_F(LifeTest, StatesThatDoNotAllowAnActionRefuseAllOfIt) {
  const InstanceId first = running();
  const InstanceId second = running();
  ASSERT_TRUE(control::terminate_instances(cloud_.kv, {first}, cloud_.now_ms()));
  EXPECT_EQ(control::stop_instances(cloud_.kv, {second, first}, false, cloud_.now_ms()).error().code,
            ErrorCode::kFailedPrecondition);
  EXPECT_EQ(cloud_.state(second), InstanceState::kRunning);
  EXPECT_EQ(control::start_instances(cloud_.kv, {first}, control::place, cloud_.now_ms()).error().code,
            ErrorCode::kFailedPrecondition);
  EXPECT_EQ(control::reboot_instances(cloud_.kv, {first}).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(
      control::terminate_instances(cloud_.kv, {second, InstanceId("i-0")}, cloud_.now_ms()).error().code,
      ErrorCode::kNotFound);
  EXPECT_EQ(cloud_.state(second), InstanceState::kRunning);
  EXPECT_TRUE(control::terminate_instances(cloud_.kv, {first}, cloud_.now_ms()));
}

TEST_F(LifeTest, ProtectionFromTerminationIsRespected) {
  control::LaunchRequest request = cloud_.request("");
  request.disable_api_termination = true;
  const InstanceId id = cloud_.launch(request).value().instances.front().id;
  EXPECT_EQ(control::terminate_instances(cloud_.kv, {id}, cloud_.now_ms()).error().code,
            ErrorCode::kPermissionDenied);
}

TEST_F(LifeTest, AVmmThatTheStoreDoesNotKnowIsRemoved) {
  const InstanceId stray("i-0123456789abcdef0");
  ASSERT_TRUE(cloud_.vmms.start(stray, 1, {}));
  cloud_.restart();
  EXPECT_TRUE(cloud_.run_until([&] { return cloud_.vmms.alive() == 0; }));
}

}  // namespace
}  // namespace cumulet::simulation
