// A stored block that is placed somewhere is what translating for that place would have given.
#include "hypervisor/translate/stored_block.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace cumulet::hypervisor {
namespace {

constexpr uint64_t kStubs = 0x7f12'3456'7000;
constexpr uint64_t kKernel = 0xffff'ffff'8123'4100, kModule = 0xffff'c900'1234'5678, kLow = 0x40'1100,
                   kLibrary = 0x7f98'7654'3100;

// Calls, rip-relative operands, jumps within the page and out of it, pushes, returns, system instructions.
const std::vector<uint8_t> kCodes[] = {
    {0x55, 0x48, 0x89, 0xe5, 0xe8, 0x10, 0x20, 0, 0},           // push rbp; mov rbp, rsp; call +0x2010
    {0x48, 0x8b, 0x05, 0x34, 0x12, 0, 0, 0xc3},                 // mov rax, [rip+0x1234]; ret
    {0x48, 0x8d, 0x3d, 0, 0xff, 0xff, 0xff, 0xeb, 0x10},        // lea rdi, [rip-0x100]; jmp +0x10
    {0x48, 0x85, 0xc0, 0x74, 0x20, 0x90, 0xe9, 0, 1, 0, 0},     // test rax, rax; je +0x20; nop; jmp +0x100
    {0x48, 0x89, 0x44, 0x24, 0x08, 0xff, 0x25, 0x10, 0, 0, 0},  // mov [rsp+8], rax; jmp [rip+0x10]
    {0xff, 0xd0},                                               // call rax
    {0x0f, 0x05},                                               // syscall
    {0xf3, 0x48, 0xa5, 0xfb, 0x90, 0xf4},                       // rep movsq; sti; nop; hlt
    {0x0f, 0x01, 0xcb, 0x48, 0x8b, 0x07, 0x0f, 0x01, 0xca},     // stac; mov rax, [rdi]; clac
};

class StoredBlockTest : public testing::Test {
 protected:
  StoredBlockTest() : translator_(mapping_->get(), stubs(), {}), storer_(mapping_->get(), stubs(), kStubs) {}

  static Stubs stubs() {
    auto addresses = std::bit_cast<std::array<uint64_t, sizeof(Stubs) / 8>>(Stubs{});
    for (size_t i = 0; i < addresses.size(); ++i) addresses[i] = kStubs + 0x40 * i;
    return std::bit_cast<Stubs>(addresses);
  }

  // False: it cannot be stored.
  bool store(const std::vector<uint8_t>& code, uint64_t rip, CodeMode mode, bool indirect) {
    stored_.clear();
    rip_ = rip;
    key_ = {(mode & kModeRelative) != 0 ? 0 : rip, static_cast<uint16_t>(rip % kPageSize), mode};
    return storer_.store(key_, indirect, code, stored_) != 0;
  }

  // Places what store() made, and compares with a translation.
  void expect_same(const std::vector<uint8_t>& code, bool indirect, const Placement& placement) {
    auto block = StoredBlock::parse(stored_);
    ASSERT_TRUE(block.has_value());
    EXPECT_EQ(block->size(), stored_.size());
    EXPECT_EQ(block->key(), key_);
    EXPECT_EQ(block->indirect(), indirect);
    EXPECT_TRUE(std::equal(block->guest_code().begin(), block->guest_code().end(), code.begin()));
    PlacedBlock placed;
    ASSERT_TRUE(block->place(placement, placed));
    TranslationRequest request{};
    request.physical = key_.page_offset;
    request.rip = rip_;
    request.mode = key_.mode;
    request.bytes = code;
    request.hot_address = placement.hot;
    request.cold_address = placement.cold;
    request.first_link = static_cast<uint32_t>(placement.first_link);
    request.indirect = indirect;
    if ((key_.mode & kModeRelative) != 0) request.page_number = static_cast<uint32_t>(placement.page_number);
    const TranslationResult& expected = translator_.translate(request);
    EXPECT_TRUE(std::ranges::equal(placed.hot, translator_.hot()));
    EXPECT_TRUE(std::ranges::equal(placed.cold, translator_.cold()));
    EXPECT_EQ(placed.result.size, expected.size);
    EXPECT_EQ(placed.result.entry_offset, expected.entry_offset);
    EXPECT_EQ(placed.result.indirect, expected.indirect);
    expect_same_parts(placed.result, expected);
  }

  static void expect_same_parts(const TranslationResult& placed, const TranslationResult& expected) {
    ASSERT_EQ(placed.links.size(), expected.links.size());
    for (size_t i = 0; i < expected.links.size(); ++i) {
      EXPECT_EQ(placed.links[i].relative_address, expected.links[i].relative_address);
      EXPECT_EQ(placed.links[i].leave_stub, expected.links[i].leave_stub);
      EXPECT_EQ(placed.links[i].slot_stub, expected.links[i].slot_stub);
      EXPECT_EQ(placed.links[i].target, expected.links[i].target);
      EXPECT_EQ(placed.links[i].mode, expected.links[i].mode);
    }
    ASSERT_EQ(placed.records.size(), expected.records.size());
    for (size_t i = 0; i < expected.records.size(); ++i) {
      const InstructionRecord &one = placed.records[i], &other = expected.records[i];
      EXPECT_EQ(one.host_offset, other.host_offset);
      EXPECT_EQ(one.guest_offset, other.guest_offset);
      EXPECT_EQ(one.scratch_spilled, other.scratch_spilled);
      EXPECT_EQ(one.rax_spilled, other.rax_spilled);
      EXPECT_EQ(one.address, other.address);
      EXPECT_EQ(one.index, other.index);
      EXPECT_EQ(one.rebased, other.rebased);
    }
  }

  static Placement somewhere(std::mt19937_64& random) {
    return {kStubs, kStubs + 0x1'0000 + (random() % (1 << 21)) * 16,
            kStubs + 0x200'0000 + (random() % (1 << 21)) * 16, random() % kLinkSlots, random() % kPageBases};
  }

  std::unique_ptr<ContextMapping> mapping_ = *ContextMapping::create();
  Translator translator_;
  BlockStorer storer_;
  StoredKey key_{};
  uint64_t rip_ = 0;
  std::vector<uint8_t> stored_;
};

TEST_F(StoredBlockTest, IsWhatATranslationIs) {
  std::mt19937_64 random(1);
  for (const std::vector<uint8_t>& code : kCodes) {
    for (uint64_t rip : {kKernel, kModule, kLow, kLow | 0xff0}) {
      for (CodeMode mode : {0, 8, 9, 10, 9 | kModeRelative}) {
        for (bool indirect : {false, true}) {
          ASSERT_TRUE(store(code, rip, mode, indirect));
          for (int i = 0; i < 4; ++i) expect_same(code, indirect, somewhere(random));
        }
      }
    }
  }
}

// Every block of random code can be stored: nothing depends on where it lies but what is known to.
TEST_F(StoredBlockTest, RandomCode) {
  std::mt19937_64 random(2);
  uint32_t stored = 0;
  constexpr uint32_t kRounds = 2000;
  for (uint32_t round = 0; round < kRounds; ++round) {
    std::vector<uint8_t> code(64);
    for (uint8_t& byte : code) byte = static_cast<uint8_t>(random());
    bool indirect = round % 2 == 0;
    // The decoders of translator and storer must know the same forms of instructions (merge_plain).
    const uint64_t rips[] = {kKernel, kLow, kLibrary};
    constexpr CodeMode kModes[] = {8, 9, 9 | kModeRelative};
    if (!store(code, rips[round % 3] + random() % 0x100, kModes[round % 3], indirect)) continue;
    ++stored;
    expect_same(code, indirect, somewhere(random));
  }
  EXPECT_EQ(stored, kRounds);
}

TEST_F(StoredBlockTest, CutOffBytesAreRefused) {
  ASSERT_TRUE(store(kCodes[0], kKernel, 8, true));
  for (size_t size = 0; size < stored_.size(); ++size)
    EXPECT_FALSE(StoredBlock::parse(ByteView(stored_).first(size)).has_value());
}

// Whatever is in the bytes, reading and placing ends in a block within bounds or none.
TEST_F(StoredBlockTest, DamagedBytesAreRefusedOrWithinBounds) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 20000; ++round) {
    ASSERT_TRUE(store(kCodes[static_cast<size_t>(round) % std::size(kCodes)], kKernel, 8, round % 2 == 0));
    for (uint64_t changes = 1 + random() % 4; changes > 0; --changes)
      stored_[random() % (random() % 2 == 0 ? 32 : stored_.size())] = static_cast<uint8_t>(random());
    auto block = StoredBlock::parse(stored_);
    PlacedBlock placed;
    Placement placement = somewhere(random);
    if (!block || !block->place(placement, placed)) continue;
    EXPECT_LE(placed.hot.size(), kMaxHotSize);
    EXPECT_LE(placed.cold.size(), kMaxColdSize);
    EXPECT_LE(placed.result.links.size(), kMaxLinks);
    for (const Link& link : placed.result.links) EXPECT_EQ(link.relative_address % 4, 0);
    for (const Poll& poll : placed.result.polls) EXPECT_EQ(poll.host % 8, 0);
  }
}

}  // namespace
}  // namespace cumulet::hypervisor
