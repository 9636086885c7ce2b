// Tests of guest RAM: bounds, holes between regions, bad layouts.
#include "hypervisor/memory/guest_memory.h"

#include <gtest/gtest.h>
#include <vector>

namespace cumulet::hypervisor {
namespace {

TEST(GuestMemory, ReadsBackWhatWasWrittenAndRefusesHoles) {
  auto memory = GuestMemory::create({{0x100000, 0x2000, 0}, {0, 0x1000, 0}}).value();
  EXPECT_EQ(memory->size(), 0x3000u);
  ASSERT_TRUE(memory->write_value<uint64_t>(0x101ff8, 0x1122334455667788));
  uint64_t value = 0;
  ASSERT_TRUE(memory->read_value(0x101ff8, value));
  EXPECT_EQ(value, 0x1122334455667788u);
  EXPECT_FALSE(memory->read_value(0x101ff9, value));  // one byte past the end
  EXPECT_FALSE(memory->read_value(0x1000, value));    // in the hole
  EXPECT_FALSE(memory->read_value(~uint64_t{0}, value));
  EXPECT_EQ(memory->unsafe_host_pointer(0x100000, ~uint64_t{0}), nullptr);
}

TEST(GuestMemory, WritesLargePiecesWhereTheMappingShowsThem) {
  auto memory = GuestMemory::create({{0, 0x1000, 0}, {0x100000, 0x400000, 0}}).value();
  std::vector<uint8_t> bytes((2 << 20) + 5);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 4096);
  ASSERT_TRUE(memory->write(0x100123, bytes));
  std::vector<uint8_t> again(bytes.size());
  ASSERT_TRUE(memory->read(0x100123, again));
  EXPECT_EQ(again, bytes);
  EXPECT_EQ(*memory->unsafe_host_pointer(0x100122, 1), 0);
  EXPECT_FALSE(memory->write(0x400000, bytes));  // beyond the end
}

TEST(GuestMemory, LoadsAndClearsExactlyTheBytes) {
  constexpr uint64_t kSize = 0x100000;
  auto memory = GuestMemory::create({{0, 0x1000, 0}, {0x100000, kSize, 0}}).value();
  std::vector<uint8_t> expected(kSize, 0xee);
  ASSERT_TRUE(memory->write(0x100000, expected));
  // Data, zeros for many pages, data, zeros to the end; neither begins nor ends with a page.
  std::vector<uint8_t> bytes(0x80000);
  for (size_t i = 0; i < 0x3123; ++i) bytes[i] = static_cast<uint8_t>(i | 1);
  for (size_t i = 0x40321; i < 0x41999; ++i) bytes[i] = 0x77;
  ASSERT_TRUE(memory->load(0x110007, bytes));
  std::copy(bytes.begin(), bytes.end(), expected.begin() + 0x10007);
  ASSERT_TRUE(memory->zero(0x1a0001, 0x21fff));
  std::fill_n(expected.begin() + 0xa0001, 0x21fff, uint8_t{0});
  ASSERT_TRUE(memory->zero(0x1f0010, 0x20));
  std::fill_n(expected.begin() + 0xf0010, 0x20, uint8_t{0});
  std::vector<uint8_t> found(kSize);
  ASSERT_TRUE(memory->read(0x100000, found));
  EXPECT_TRUE(found == expected);
  EXPECT_FALSE(memory->load(0x180001, bytes));  // one byte too many
  EXPECT_TRUE(memory->load(0x180000, bytes));
  EXPECT_FALSE(memory->zero(0x1fffff, 2));
  EXPECT_TRUE(memory->contains(0x1fffff, 1));
  EXPECT_FALSE(memory->contains(0x1fffff, 2));
}

TEST(GuestMemory, RefusesBadLayouts) {
  EXPECT_FALSE(GuestMemory::create({}).has_value());
  EXPECT_FALSE(GuestMemory::create({{0, 100, 0}}).has_value());
  EXPECT_FALSE(GuestMemory::create({{0, 0x2000, 0}, {0x1000, 0x1000, 0}}).has_value());
}

}  // namespace
}  // namespace cumulet::hypervisor
