// Tests of CPUID look-up: subleaves, missing leaves, the rule for leaves out of range.
#include "hypervisor/x86/cpuid.h"

#include <gtest/gtest.h>

namespace cumulet::hypervisor {
namespace {

TEST(CpuidTable, AnswersRowsMissingSubleavesAndLeavesOutOfRange) {
  CpuidTable table;
  table.set({0, 0, false, {7, 1, 2, 3}});
  table.set({7, 0, true, {0, 0x20, 0, 0}});
  table.set({0x80000000, 0, false, {0x80000008, 0, 0, 0}});
  table.set({0x80000008, 0, false, {0x3030, 0, 0, 0}});
  EXPECT_EQ(table.query(0, 99).eax, 7u);
  EXPECT_EQ(table.query(7, 0).ebx, 0x20u);
  EXPECT_EQ(table.query(7, 1), CpuidResult{});
  EXPECT_EQ(table.query(5, 0), CpuidResult{});
  EXPECT_EQ(table.query(0x80000004, 0), CpuidResult{});
  EXPECT_EQ(table.query(0x1f, 0).ebx, 0x20u);  // above the highest basic leaf: that leaf's answer
  table.set({7, 0, true, {0, 0x40, 0, 0}});
  EXPECT_EQ(table.query(7, 0).ebx, 0x40u);
  table.erase(7);
  EXPECT_EQ(table.find(7), nullptr);
}

}  // namespace
}  // namespace cumulet::hypervisor
