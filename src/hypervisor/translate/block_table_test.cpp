// Finding blocks by key, growth, and what late readers may meet; and the notes of who may store to a page.
#include "hypervisor/translate/block_table.h"

#include <gtest/gtest.h>

#include "hypervisor/translate/code_pages.h"

namespace cumulet::hypervisor {
namespace {

constexpr uint32_t kBlocks = 20'000;

BlockKey key_of(uint32_t number) { return {number * 16, 0xffffffff81000000 + number * 16, CodeMode{1}}; }

uint32_t add(BlockArena& arena, BlockTable& table, const BlockKey& key) {
  Block& block = arena.add(2);
  block.physical.store(key.physical);
  block.rip.store(key.rip);
  block.mode.store(key.mode);
  uint32_t number = arena.count();
  arena.publish();
  table.insert(key, number);
  return number;
}

TEST(BlockTable, FindsEveryBlockWhileItGrows) {
  BlockArena arena(kBlocks);
  BlockTable table(arena);
  for (uint32_t number = 0; number < kBlocks; ++number) ASSERT_EQ(add(arena, table, key_of(number)), number);
  for (uint32_t number = 0; number < kBlocks; ++number) ASSERT_EQ(table.find(key_of(number)), number);
  EXPECT_EQ(table.find({16, 0xffffffff81000010, CodeMode{0}}), BlockTable::kNone);
  EXPECT_EQ(table.find({32, 0xffffffff81000010, CodeMode{1}}), BlockTable::kNone);
}

TEST(BlockTable, TheLastBlockOfAKeyCounts) {
  BlockArena arena(kBlocks);
  BlockTable table(arena);
  add(arena, table, key_of(1));
  add(arena, table, key_of(2));
  EXPECT_EQ(add(arena, table, key_of(1)), 2U);
  EXPECT_EQ(table.find(key_of(1)), 2U);
  EXPECT_EQ(table.find(key_of(2)), 1U);
}

TEST(BlockTable, IsEmptyAfterClear) {
  BlockArena arena(kBlocks);
  BlockTable table(arena);
  for (uint32_t number = 0; number < kBlocks; ++number) add(arena, table, key_of(number));
  table.clear();
  arena.clear();
  EXPECT_EQ(table.find(key_of(3)), BlockTable::kNone);
  EXPECT_EQ(add(arena, table, key_of(3)), 0U);
  EXPECT_EQ(table.find(key_of(3)), 0U);
}

TEST(BlockArena, KeepsRecordsTogetherAndExtrasForThoseThatHaveSome) {
  constexpr uint16_t kRecords = 100;
  BlockArena arena(kBlocks);
  for (uint32_t number = 0; number < 1000; ++number) {
    Block& block = arena.add(kRecords);
    arena.publish();
    for (uint16_t i = 0; i < kRecords; ++i)
      arena.records(block)[i].host_offset = static_cast<uint16_t>(number);
    if (number % 3 == 0) arena.make_extras(block).drops = static_cast<uint16_t>(number);
  }
  for (uint32_t number = 0; number < 1000; ++number) {
    const Block& block = arena.at(number);
    for (uint16_t i = 0; i < kRecords; ++i) ASSERT_EQ(arena.records(block)[i].host_offset, number);
    EXPECT_EQ(arena.extras(block).drops, number % 3 == 0 ? number : 0);
  }
  arena.clear();
  EXPECT_EQ(arena.extras(arena.add(1)).drops, 0);
}

TEST(Block, DependsOnItsBytesButNotOnItsHoles) {
  Block block{};
  block.physical.store(0x1ff0);
  block.size = 0x20;
  block.second_page_frame.store(7);
  const std::vector<CodeHole> holes{{2, 4}};
  EXPECT_FALSE(block.depends_on(0x1fef, 1, holes));
  EXPECT_TRUE(block.depends_on(0x1fef, 2, holes));
  EXPECT_FALSE(block.depends_on(0x1ff2, 4, holes));
  EXPECT_FALSE(block.depends_on(0x1ff5, 1, holes));
  EXPECT_TRUE(block.depends_on(0x1ff5, 2, holes));
  EXPECT_TRUE(block.depends_on(0x1000, 0x1000, holes));
  EXPECT_TRUE(block.depends_on(0x700f, 1, holes));
  EXPECT_FALSE(block.depends_on(0x7010, 1, holes));
}

TEST(CodePages, NotesOneLineOrMany) {
  auto memory = GuestMemory::create({{0, 1 << 20, 0}});
  ASSERT_TRUE(memory.has_value());
  CodePages pages(**memory);
  CodePage& page = *pages.page(0x3000);
  EXPECT_EQ(pages.page(1 << 20), nullptr);
  EXPECT_EQ(page.storers.load(), CodePages::kNobody);
  CodePages::note_storer(page, 5);
  CodePages::note_storer(page, 5);
  EXPECT_EQ(page.storers.load(), 5U);
  CodePages::note_window(page);
  CodePages::note_storer(page, 5);
  EXPECT_EQ(page.storers.load(), 5U | CodePages::kWindow);
  CodePages::note_storer(page, 6);
  EXPECT_EQ(page.storers.load(), CodePages::kMany | CodePages::kWindow);
}

TEST(CodePages, HoldsCodeByChunks) {
  auto memory = GuestMemory::create({{0, 1 << 20, 0}});
  ASSERT_TRUE(memory.has_value());
  CodePages pages(**memory);
  pages.page(0x3000)->chunks.store(CodePages::chunks(0x40, 0x41));
  EXPECT_FALSE(pages.holds_code(0x3000, 0x40));
  EXPECT_TRUE(pages.holds_code(0x3000, 0x41));
  EXPECT_TRUE(pages.holds_code(0x30bf, 1));
  EXPECT_FALSE(pages.holds_code(0x30c0, 0x2000));
  EXPECT_TRUE(pages.holds_code(0x2fff, 0x1000));
}

}  // namespace
}  // namespace cumulet::hypervisor
