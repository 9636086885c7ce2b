// The tables and slots that jumps go through: what a flush takes and what it leaves.
#include <gtest/gtest.h>

#include "hypervisor/translate/jump_cache.h"
#include "hypervisor/translate/link_slots.h"

namespace cumulet::hypervisor {
namespace {

constexpr uint64_t kMiss = 0x1000, kCode = 0x2000, kLeave = 0x3000, kRip = 0x401234;
constexpr CodeMode kKernel = 8, kUser = 9;

class JumpTables : public testing::Test {
 protected:
  void SetUp() override {
    auto mapping = ContextMapping::create();
    ASSERT_TRUE(mapping.has_value());
    mapping_ = std::move(*mapping);
    ASSERT_TRUE(mapping_->fill_jump_tables(kMiss).has_value());
  }
  [[nodiscard]] uint64_t entry(CodeMode mode, uint64_t rip) const {
    return jump_table(mapping_->get(), mode)[jump_index(rip)];
  }
  [[nodiscard]] uint64_t slot(uint32_t link) const { return mapping_->get().link_slots[link].code; }

  std::unique_ptr<ContextMapping> mapping_;
};

TEST_F(JumpTables, EveryEntryBeginsAsAMiss) {
  for (CodeMode mode = 0; mode < kModeCount; ++mode)
    for (uint64_t rip = 0; rip < kJumpEntries; rip += 511) EXPECT_EQ(entry(mode, rip), kMiss);
}

TEST_F(JumpTables, AFlushOfUserCodeLeavesTheKernels) {
  JumpCache jumps(mapping_->get(), kMiss);
  jumps.fill(kKernel, kRip, kCode, false);
  jumps.fill(kUser, kRip, kCode, false);
  EXPECT_EQ(entry(kUser, kRip), kCode);
  jumps.flush_user();
  EXPECT_EQ(entry(kUser, kRip), kMiss);
  EXPECT_EQ(entry(kKernel, kRip), kCode);
  jumps.flush_all();
  EXPECT_EQ(entry(kKernel, kRip), kMiss);
}

TEST_F(JumpTables, AnEntryThatIsReplacedIsFlushedTwiceOver) {
  JumpCache jumps(mapping_->get(), kMiss);
  jumps.fill(kUser, kRip, kCode, false);
  jumps.fill(kUser, kRip + kJumpEntries, kCode + 8, false);  // the same low bits
  EXPECT_EQ(entry(kUser, kRip), kCode + 8);
  jumps.flush_user();
  jumps.fill(kUser, kRip, kCode, false);
  jumps.flush_user();
  EXPECT_EQ(entry(kUser, kRip), kMiss);
}

TEST_F(JumpTables, WhatVerifiesItsBaseStaysUntilTheCodeGoes) {
  JumpCache jumps(mapping_->get(), kMiss);
  EXPECT_FALSE(jumps.may_hold(kUser, kRip));
  jumps.fill(kUser, kRip, kCode, true);
  jumps.flush_user();
  jumps.flush_all();
  EXPECT_TRUE(jumps.may_hold(kUser, kRip));
  EXPECT_EQ(entry(kUser, kRip), kCode);
  jumps.fill(kUser, kRip, kCode + 8, false);  // in its place
  jumps.flush_user();
  EXPECT_EQ(entry(kUser, kRip), kMiss);
  jumps.fill(kUser, kRip, kCode, true);
  jumps.forget_all();
  EXPECT_EQ(entry(kUser, kRip), kMiss);
}

TEST_F(JumpTables, SlotsGoBackToTheirLeaveStubs) {
  LinkSlots slots(mapping_->get());
  for (uint32_t link : {1U, 2U, kLinkSlots - 1}) slots.set(link, kLeave + link);
  slots.fill(1, kLeave + 1, kCode, false);
  slots.fill(2, kLeave + 2, kCode, true);
  EXPECT_EQ(slot(1), kCode);
  slots.flush_user();
  EXPECT_EQ(slot(1), kCode);
  EXPECT_EQ(slot(2), kLeave + 2);
  slots.flush_all();
  EXPECT_EQ(slot(1), kLeave + 1);
  EXPECT_EQ(slot(kLinkSlots - 1), kLeave + kLinkSlots - 1);
}

TEST_F(JumpTables, AnEmptiedSlotKeepsAHintUntilItIsAnotherLinks) {
  LinkSlots slots(mapping_->get());
  for (uint32_t link : {1U, 2U}) slots.set(link, kLeave + link);
  EXPECT_EQ(slots.hint(1).page_number, kNoPageNumber);
  for (uint32_t link : {1U, 2U}) ASSERT_TRUE(slots.fill_inside(link, kCode, {0x40, 7, 0x123, true}));
  EXPECT_EQ(slot(1), kCode);
  slots.flush_user();
  EXPECT_EQ(slot(1), kLeave + 1);
  EXPECT_EQ(slots.hint(1).host, 0x40);
  EXPECT_EQ(slots.hint(1).page_number, 7);
  EXPECT_EQ(slots.hint(1).offset, 0x123);
  EXPECT_EQ(slots.hint(1).direct, 1);
  slots.set(1, kLeave + 16);
  EXPECT_EQ(slots.hint(1).page_number, kNoPageNumber);
  ASSERT_TRUE(slots.fill_inside(2, kCode, slots.hint(2)));
  slots.forget_code(kCode, true);
  EXPECT_EQ(slot(2), kLeave + 2);
  EXPECT_EQ(slots.hint(2).page_number, kNoPageNumber);
}

TEST_F(JumpTables, AForgottenSlotBelongsToItsNextLink) {
  LinkSlots slots(mapping_->get());
  slots.set(1, kLeave);
  slots.fill(1, kLeave, kCode, true);
  slots.forget();
  slots.set(1, kLeave + 8);
  slots.flush_all();
  EXPECT_EQ(slot(1), kLeave + 8);
}

TEST_F(JumpTables, AFullListOfSlotsIsEmptied) {
  LinkSlots slots(mapping_->get());
  uint32_t link = 0;
  for (bool full = false; !full && link < kLinkSlots - 1;
       full = !slots.fill_inside(link, kLeave, kCode, false))
    slots.set(++link, kLeave);
  ASSERT_LT(link, kLinkSlots - 1);
  EXPECT_EQ(slot(1), kCode);
  slots.fill(link, kLeave, kCode, false);
  EXPECT_EQ(slot(link), kCode);
  EXPECT_EQ(slot(1), kLeave);
  slots.flush_all();
  EXPECT_EQ(slot(link), kLeave);
}

TEST_F(JumpTables, WhatLedToABlockThatIsGoneIsForgotten) {
  LinkSlots slots(mapping_->get());
  for (uint32_t link : {1U, 2U}) slots.set(link, kLeave + link);
  slots.fill(1, kLeave + 1, kCode, false);
  slots.fill(2, kLeave + 2, kCode + 8, true);
  slots.forget_code(kCode, false);
  EXPECT_EQ(slot(1), kLeave + 1);
  EXPECT_EQ(slot(2), kCode + 8);
  JumpCache jumps(mapping_->get(), kMiss);
  jumps.fill(kUser, kRip, kCode, false);
  jumps.forget(kUser, kRip, kCode + 8);
  EXPECT_EQ(entry(kUser, kRip), kCode);
  jumps.forget(kUser, kRip, kCode);
  EXPECT_EQ(entry(kUser, kRip), kMiss);
}

}  // namespace
}  // namespace cumulet::hypervisor
