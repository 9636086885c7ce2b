// Where pages of user code lie, and for how long that holds.
#include "hypervisor/translate/page_bases.h"

#include <gtest/gtest.h>

namespace cumulet::hypervisor {
namespace {

constexpr uint32_t kPage = 5;
constexpr uint64_t kHere = 0x7f00'1234'5000, kThere = 0x5555'0000'1000;

class PageBasesTest : public testing::Test {
 protected:
  void SetUp() override {
    auto mapping = ContextMapping::create();
    ASSERT_TRUE(mapping.has_value());
    mapping_ = std::move(*mapping);
    bases_.emplace(mapping_->get());
  }
  // What an indirect entry would subtract.
  [[nodiscard]] uint64_t verified(bool direct) const { return -entry().minus_base[direct]; }
  [[nodiscard]] const PageBase& entry() const { return mapping_->get().page_bases[kPage]; }

  std::unique_ptr<ContextMapping> mapping_;
  std::optional<PageBases> bases_;
};

TEST_F(PageBasesTest, APageHasOneBaseInAGeneration) {
  EXPECT_FALSE(bases_->lies_at(kPage, 0));
  EXPECT_EQ(bases_->enter(kPage, kHere, false), PageBases::Entered::kNow);
  EXPECT_EQ(bases_->enter(kPage, kHere, false), PageBases::Entered::kBefore);
  EXPECT_EQ(bases_->enter(kPage, kThere, false), PageBases::Entered::kElsewhere);
  EXPECT_TRUE(bases_->lies_at(kPage, kHere));
  EXPECT_FALSE(bases_->lies_at(kPage, kThere));
  bases_->end_generation();
  EXPECT_EQ(bases_->enter(kPage, kThere, false), PageBases::Entered::kNow);
}

// Entries of jump tables outlive the generation, and go by the base alone.
TEST_F(PageBasesTest, NoBaseIsVerifiedWhenTheGenerationIsOver) {
  (void)bases_->enter(kPage, kHere, false);
  EXPECT_EQ(verified(false), kHere);
  bases_->end_generation();
  EXPECT_FALSE(bases_->lies_at(kPage, kHere));
  for (bool direct : {false, true}) EXPECT_NE(verified(direct) % 4096, 0);
}

TEST_F(PageBasesTest, OnlyOneKindOfCodeIsVerified) {
  (void)bases_->enter(kPage, kHere, true);
  EXPECT_EQ(verified(true), kHere);
  EXPECT_NE(verified(false) % 4096, 0);
  (void)bases_->enter(kPage, kHere, false);  // it became the other
  EXPECT_EQ(verified(false), kHere);
  EXPECT_NE(verified(true) % 4096, 0);
}

}  // namespace
}  // namespace cumulet::hypervisor
