// Translation of arbitrary bytes: whatever a guest jumps into must give a block, within the bounds that
// CodeSpace counts on.
#include "hypervisor/translate/translator.h"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace cumulet::hypervisor {
namespace {

constexpr uint64_t kHot = 0x7f00'0000'0000, kCold = 0x7f00'1000'0000;
constexpr uint32_t kRounds = 20'000;

class TranslatorTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    auto mapping = ContextMapping::create();
    ASSERT_TRUE(mapping.has_value());
    mapping_ = std::move(*mapping);
  }

  void translate(Translator& translator, const std::vector<uint8_t>& bytes, uint64_t rip, CodeMode mode) {
    TranslationResult result =
        translator.translate({rip % 4096, rip, mode, bytes, kHot, kCold, 7, rip % 2 == 0});
    if (result.size == 0) return;  // cut off
    ASSERT_LE(result.size, bytes.size());
    ASSERT_LE(translator.hot().size(), kMaxHotSize);
    ASSERT_LE(translator.cold().size(), kMaxColdSize);
    uint32_t before = 0;
    for (const InstructionRecord& record : result.records) {
      ASSERT_GE(record.host_offset, before);
      ASSERT_LT(record.host_offset, translator.hot().size());
      ASSERT_LT(record.guest_offset, result.size);
      before = record.host_offset;
    }
    ASSERT_EQ((kHot + result.entry_offset) % 8, 0);
    for (const Link& link : result.links) {
      if (link.relative_address == 0) continue;
      ASSERT_EQ(link.relative_address % 4, 0);
      // Jumps out of a region lie in the cold code.
      bool hot = link.relative_address - kHot + 4 <= translator.hot().size();
      ASSERT_TRUE(hot || link.relative_address - kCold + 4 <= translator.cold().size());
    }
  }

  std::unique_ptr<ContextMapping> mapping_;
};

TEST_P(TranslatorTest, RandomBytes) {
  std::mt19937_64 random(1);
  Translator translator(mapping_->get(), Stubs{}, {GetParam()});
  for (uint32_t round = 0; round < kRounds; ++round) {
    std::vector<uint8_t> bytes(1 + random() % 200);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    uint64_t rip = random() % 2 == 0 ? 0xffffffff81000000 + random() % 4096 : 0x401000 + random() % 4096;
    translate(translator, bytes, rip, static_cast<CodeMode>(random() % 12));
  }
}

// The same with the prefixes and opcodes that make instructions with memory operands and live flags.
TEST_P(TranslatorTest, RandomInstructionsWithMemoryOperands) {
  constexpr uint8_t kPrefixes[] = {0x40, 0x41, 0x48, 0x4f, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3};
  constexpr uint8_t kOpcodes[] = {0x01, 0x03, 0x11, 0x89, 0x8b, 0x8d, 0x9c, 0x50, 0x58, 0x81,
                                  0x87, 0xd3, 0xf7, 0xff, 0x0f, 0xc5, 0xc4, 0xd9, 0xdd, 0xc7};
  std::mt19937_64 random(2);
  Translator translator(mapping_->get(), Stubs{}, {GetParam()});
  for (uint32_t round = 0; round < kRounds; ++round) {
    std::vector<uint8_t> bytes;
    while (bytes.size() < 300) {
      for (uint64_t count = random() % 3; count > 0; --count)
        bytes.push_back(kPrefixes[random() % std::size(kPrefixes)]);
      bytes.push_back(kOpcodes[random() % std::size(kOpcodes)]);
      for (uint64_t count = random() % 8; count > 0; --count) bytes.push_back(static_cast<uint8_t>(random()));
    }
    translate(translator, bytes, 0x401000 + random() % 4096, static_cast<CodeMode>(random() % 12));
  }
}

// The longest block: nothing but the instruction that takes most host code.
TEST_P(TranslatorTest, LongestBlocksFit) {
  Translator translator(mapping_->get(), Stubs{}, {GetParam()});
  for (const std::vector<uint8_t>& instruction :
       {std::vector<uint8_t>{0x64, 0xff, 0xb4, 0xd8, 0x44, 0x33, 0x22,
                             0x11},  // push fs:[rax+rbx*8+x]: rax, flags
        std::vector<uint8_t>{0x65, 0xf0, 0x48, 0x0f, 0xbb, 0x84, 0xd8, 0x44, 0x33, 0x22,
                             0x11},  // lock btc gs:[…], rax
        std::vector<uint8_t>{0x9c}}) {
    std::vector<uint8_t> bytes;
    for (int i = 0; i < 60; ++i) bytes.insert(bytes.end(), instruction.begin(), instruction.end());
    translate(translator, bytes, 0x7fff'1234'5000, 0);
  }
}

// mov rax, [rbx]: the check uses rorx only where the host has it.
TEST_P(TranslatorTest, HostsWithoutBmi2GetNoneOfIt) {
  constexpr std::array<uint8_t, 2> kRorx = {0xfb, 0xf0};  // behind C4 and the byte with R, X, B and map
  const std::vector<uint8_t> code = {0x48, 0x8b, 0x03, 0xc3};
  for (bool bmi2 : {false, true}) {
    Translator translator(mapping_->get(), Stubs{}, {GetParam(), false, false, bmi2});
    translate(translator, code, 0x1000, 0);
    ByteView hot = translator.hot();
    bool found = std::search(hot.begin(), hot.end(), kRorx.begin(), kRorx.end()) != hot.end();
    EXPECT_EQ(found, bmi2);
  }
}

INSTANTIATE_TEST_SUITE_P(Blocks, TranslatorTest, testing::Bool(), [](const auto& tested) {
  return std::string(tested.param ? "SingleInstructions" : "Whole");
});

}  // namespace
}  // namespace cumulet::hypervisor
