// Tests of placement.
#include "control/scheduler/place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cumulet::control {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

HostOffer offer(const char* host, const char* zone, const char* machine, uint32_t vcpus,
                uint64_t memory_mib) {
  return {HostId(host), zone, machine, {vcpus, memory_mib}};
}

TEST(Place, SpreadsOverTheHostsOfOneZone) {
  const std::vector offers{offer("a1", "a", "m1", 8, 1000), offer("a2", "a", "m2", 8, 1400)};
  const auto hosts = place({{1, 500}, 3, 3, "a"}, offers);
  ASSERT_TRUE(hosts);
  EXPECT_THAT(*hosts, ElementsAre(HostId("a2"), HostId("a1"), HostId("a2")) /* 1400, 1000, 900 */);
}

TEST(Place, HostsOfOneMachineShareItsCapacity) {
  const std::vector offers{offer("a", "a", "m", 8, 1000), offer("b", "b", "m", 8, 1000)};
  EXPECT_THAT(place({{1, 500}, 1, 9, {}}, offers).value(), SizeIs(2));
  EXPECT_EQ(place({{1, 500}, 3, 3, {}}, offers).error().code, ErrorCode::kResourceExhausted);
}

TEST(Place, ChoosesTheZoneWithMostRoomOfEqualsTheFirst) {
  const std::vector offers{offer("b", "b", "m2", 8, 2000), offer("a", "a", "m1", 8, 1000)};
  EXPECT_THAT(place({{1, 500}, 1, 4, {}}, offers).value(), SizeIs(4));
  EXPECT_THAT(place({{1, 500}, 1, 1, {}}, offers).value(), ElementsAre(HostId("a")));
  EXPECT_THAT(place({{1, 500}, 1, 4, "a"}, offers).value(), SizeIs(2));
}

TEST(Place, CountsProcessorsToo) {
  const std::vector offers{offer("a", "a", "m", 3, 100'000)};
  EXPECT_THAT(place({{2, 1}, 1, 5, {}}, offers).value(), SizeIs(1));
  EXPECT_EQ(place({{4, 1}, 1, 1, {}}, offers).error().code, ErrorCode::kResourceExhausted);
}

TEST(Place, AZoneWithoutHostsIsAnErrorOfItsOwn) {
  const std::vector offers{offer("a", "a", "m", 3, 100)};
  EXPECT_EQ(place({{1, 1}, 1, 1, "z"}, offers).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(place({{1, 1}, 1, 1, {}}, {}).error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace cumulet::control
