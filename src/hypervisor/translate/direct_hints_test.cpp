// What is remembered of instructions with direct memory.
#include "hypervisor/translate/direct_hints.h"

#include <gtest/gtest.h>

namespace cumulet::hypervisor {
namespace {

constexpr GuestAddress kInstruction = 0x123456;

TEST(DirectHints, NothingIsKnownAtFirst) {
  DirectHints hints;
  EXPECT_FALSE(hints.at(kInstruction).checked);
  EXPECT_FALSE(hints.at(kInstruction).sum);
  EXPECT_FALSE(hints.at(kInstruction).slot.has_value());
}

TEST(DirectHints, RemembersTheLastSlot) {
  DirectHints hints;
  hints.note(kInstruction, 3);
  EXPECT_EQ(hints.at(kInstruction).slot, 3);
  hints.note(kInstruction, 5);
  EXPECT_EQ(hints.at(kInstruction).slot, 5);
  EXPECT_FALSE(hints.at(kInstruction + 1).slot.has_value());
}

TEST(DirectHints, WhatKeepsChangingIsChecked) {
  DirectHints hints;
  for (uint8_t i = 0; i < 20; ++i) hints.note(kInstruction, i % 2);
  EXPECT_TRUE(hints.at(kInstruction).checked);
}

TEST(DirectHints, TheSameSlotAgainIsNoChange) {
  DirectHints hints;
  for (uint8_t i = 0; i < 20; ++i) hints.note(kInstruction, 4);
  EXPECT_EQ(hints.at(kInstruction).slot, 4);
}

TEST(DirectHints, WhatNoSlotHoldsIsChecked) {
  DirectHints hints;
  hints.note(kInstruction, std::nullopt);
  EXPECT_TRUE(hints.at(kInstruction).checked);
}

TEST(DirectHints, ALargeIndexMakesTheSumCount) {
  DirectHints hints;
  hints.note_large_index(kInstruction);
  EXPECT_TRUE(hints.at(kInstruction).sum);
  EXPECT_FALSE(hints.at(kInstruction).slot.has_value());
  hints.note(kInstruction, 2);
  EXPECT_TRUE(hints.at(kInstruction).sum);
  EXPECT_EQ(hints.at(kInstruction).slot, 2);
}

}  // namespace
}  // namespace cumulet::hypervisor
