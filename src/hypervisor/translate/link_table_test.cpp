// Which links are patched to which block.
#include "hypervisor/translate/link_table.h"

#include <gtest/gtest.h>

namespace cumulet::hypervisor {
namespace {

constexpr uint64_t kCache = 0x7f12'3456'0000;

std::vector<uint32_t> incoming(const LinkTable& links, const Block& block) {
  std::vector<uint32_t> found;
  for (uint32_t link = block.first_incoming; link != kNoLink; link = links.at(link).next)
    found.push_back(link);
  return found;
}

class LinkTableTest : public testing::Test {
 protected:
  void SetUp() override {
    for (uint32_t number = 0; number < 2; ++number) {
      blocks_.add(1).first_incoming = kNoLink;
      blocks_.publish();
    }
    for (uint64_t i = 0; i < 3; ++i)
      links_.add({kCache + 64 * i, kCache + 128 * i + 8, kCache + 128 * i, i, CodeMode{1}}, kCache);
  }
  void chain(uint32_t link, uint32_t block) { links_.chain(link, blocks_.at(block), block); }

  BlockArena blocks_{2};
  LinkTable links_;
};

TEST_F(LinkTableTest, KeepsWhatALinkIs) {
  for (uint64_t target : {uint64_t{0x401000}, uint64_t{0x7fff'ffff'f000}, uint64_t{0xffff'ffff'8100'0000},
                          uint64_t{0xffff'8000'0000'0000}}) {
    uint32_t number = links_.count();
    links_.add({0, kCache + 0x3fff'fff8, kCache + 0x3fff'fff0, target, CodeMode{0x1f}}, kCache);
    const StoredLink& link = links_.at(number);
    EXPECT_EQ(static_cast<uint64_t>(int64_t{link.target}), target);
    EXPECT_EQ(link.mode, 0x1f);
    EXPECT_EQ(link.relative, 0);
    EXPECT_EQ(link.leave_stub, 0x3fff'fff8);
  }
}

TEST_F(LinkTableTest, ListsEachLinkWithOneBlock) {
  for (uint32_t link = 0; link < 3; ++link) chain(link, 0);
  links_.unchain(1, blocks_);
  chain(1, 1);
  EXPECT_EQ(incoming(links_, blocks_.at(0)), (std::vector<uint32_t>{2, 0}));
  EXPECT_EQ(incoming(links_, blocks_.at(1)), std::vector<uint32_t>{1});
  links_.unchain(2, blocks_);
  links_.unchain(2, blocks_);
  links_.unchain(0, blocks_);
  EXPECT_TRUE(incoming(links_, blocks_.at(0)).empty());
  EXPECT_EQ(links_.at(0).chained_to, StoredLink::kNoBlock);
}

}  // namespace
}  // namespace cumulet::hypervisor
