// Tests of the TSC frequency: the arithmetic, and that the result holds.
#include "hypervisor/translate/tsc_frequency.h"

#include <gtest/gtest.h>

namespace cumulet::hypervisor {
namespace {

TEST(TscFrequency, DividesWithoutOverflow) {
  EXPECT_EQ(tsc_khz_between({0, 0}, {50'000'000, 20'000'000}), 2'500'000u);
  // A minute at 5 GHz: the product has more than 64 bits.
  uint64_t start = uint64_t{1} << 63;
  EXPECT_EQ(tsc_khz_between({start, 1}, {start + 300'000'000'000, 60'000'000'001}), 5'000'000u);
}

TEST(TscFrequency, StaysTheSame) {
  uint64_t khz = host_tsc_khz();
  EXPECT_GT(khz, 100'000u);
  EXPECT_LT(khz, 20'000'000u);
  EXPECT_EQ(host_tsc_khz(), khz);
}

}  // namespace
}  // namespace cumulet::hypervisor
