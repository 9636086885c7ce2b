// Tests of Result, TRY and Error printing.
#include "base/result.h"

#include <gtest/gtest.h>

namespace cumulet {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail(ErrorCode::kInvalidArgument, "odd number", "half");
  return value / 2;
}

Result<int> quarter(int value) {
  int once = TRY(half(value));
  return TRY(half(once));
}

TEST(Result, TryPassesValuesAndErrorsOn) {
  EXPECT_EQ(quarter(8).value(), 2);
  auto failed = quarter(6);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(failed.error().to_string(), "InvalidArgument: odd number (half)");
}

}  // namespace
}  // namespace cumulet
