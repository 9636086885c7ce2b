// Tests of the state reasons that ends of VMMs become, of the product UUID, and of the machine's capacity.
#include "node/agent/exit_reason.h"

#include <gtest/gtest.h>

#include "node/agent/machine_capacity.h"
#include "node/agent/product_uuid.h"

namespace cumulet::node {
namespace {

using control::ExitKind;

TEST(ExitReason, OnlyAPoweroffIsTheGuestsWish) {
  EXPECT_EQ(explain_exit(VmmExit{VmmExitReason::kPoweroff, 0, {}}, true).kind, ExitKind::kGuestPoweroff);
  for (const VmmExitReason reason : {VmmExitReason::kTripleFault, VmmExitReason::kDebugExit,
                                     VmmExitReason::kKilled, VmmExitReason::kFailure})
    EXPECT_EQ(explain_exit(VmmExit{reason, 0, "text"}, true).kind, ExitKind::kFailed);
  EXPECT_EQ(explain_exit(std::nullopt, true).kind, ExitKind::kFailed);
}

TEST(ExitReason, SaysWhoseFaultItIs) {
  EXPECT_EQ(explain_exit(std::nullopt, true).state_reason.code, "Server.InternalError");
  EXPECT_EQ(explain_exit(VmmExit{VmmExitReason::kTripleFault, 0, {}}, true).state_reason.code,
            "Client.InternalError");
  const auto launch = explain_exit(VmmExit{VmmExitReason::kFailure, 0, "not a kernel"}, false);
  EXPECT_EQ(launch.state_reason.message, "Client.InternalError: Client error on launch: not a kernel");
}

TEST(ProductUuid, BeginsWithEc2AndBelongsToTheInstance) {
  const control::InstanceId id("i-0123456789abcdef0");
  const std::string uuid = product_uuid(id);
  ASSERT_EQ(uuid.size(), 36U);
  EXPECT_TRUE(uuid.starts_with("ec2"));
  for (size_t i = 0; i < uuid.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    EXPECT_EQ(uuid[i] == '-', dash) << uuid;
  }
  EXPECT_EQ(uuid, product_uuid(id));
  EXPECT_NE(uuid, product_uuid(control::InstanceId("i-0123456789abcdef1")));
}

TEST(MachineCapacity, IsWhatIsAvailableLessTheReserve) {
  const auto all = machine_capacity({1, 0}, 0).value();
  EXPECT_GE(all.vcpus, 1U);
  EXPECT_GT(all.memory_mib, 0U);
  EXPECT_EQ(machine_capacity({3, 0}, 0).value().vcpus, all.vcpus * 3);
  EXPECT_EQ(machine_capacity({1, uint64_t{1} << 40}, 0).value().memory_mib, 0U);
  EXPECT_GE(machine_capacity({1, 0}, uint64_t{1} << 30).value().memory_mib, uint64_t{1} << 30);
}

}  // namespace
}  // namespace cumulet::node
