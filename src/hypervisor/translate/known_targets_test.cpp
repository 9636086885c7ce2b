// What KnownTargets finds again.
#include "hypervisor/translate/known_targets.h"

#include <gtest/gtest.h>
#include <memory>

namespace cumulet::hypervisor {
namespace {

constexpr CodeMode kKernel = 8, kUser = 9;
constexpr uint64_t kRip = 0xffff'ffff'8100'1234;

TEST(KnownTargets, GoByAddressOrByPage) {
  auto targets = std::make_unique<KnownTargets>();
  uint64_t kernel = KnownTargets::kernel_key(kKernel, kRip);
  uint64_t user = KnownTargets::relative_key(kUser | kModeRelative, 7, 0x234);
  EXPECT_EQ(targets->find(kernel), 0);
  targets->note(kernel, 64);
  targets->note(user, 128);
  EXPECT_EQ(targets->find(kernel), 64);
  EXPECT_EQ(targets->find(user), 128);
  for (uint64_t other : {KnownTargets::kernel_key(kKernel | kModeAccessUser, kRip),
                         KnownTargets::kernel_key(kKernel, kRip + 1),
                         KnownTargets::relative_key(kUser | kModeRelative, 8, 0x234),
                         KnownTargets::relative_key(kUser | kModeRelative, 7, 0x235),
                         KnownTargets::relative_key(kUser | kModeRelative | kModeDirect, 7, 0x234)})
    EXPECT_EQ(targets->find(other), 0);
}

TEST(KnownTargets, AreForgottenOneByOneOrAllAtOnce) {
  auto targets = std::make_unique<KnownTargets>();
  for (uint64_t key : {256, 512}) targets->note(key, 64);
  targets->forget(256);
  EXPECT_EQ(targets->find(256), 0);
  EXPECT_EQ(targets->find(512), 64);
  targets->forget_all();
  EXPECT_EQ(targets->find(512), 0);
}

}  // namespace
}  // namespace cumulet::hypervisor
