// Guests with the translations of earlier ones.
#define XBYAK_NO_EXCEPTION
#include "hypervisor/translate/code_store.h"

#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sys/stat.h>
#include <xbyak/xbyak.h>

#include "hypervisor/translate/temporary_folder.h"
#include "hypervisor/translate/test_guest.h"

namespace cumulet::hypervisor {
namespace {

using test::kCode;
using test::kData;
using test::TestGuest;

struct Code : Xbyak::CodeGenerator {
  Code() : Xbyak::CodeGenerator(1 << 20) {}
  std::vector<uint8_t> bytes() { return {getCode(), getCode() + getSize()}; }
};

class CodeStoreTest : public testing::Test {
 protected:
  // Calls in a loop, over two pages; the result in rdx depends on `addend`, which is an immediate.
  static std::vector<uint8_t> program(uint32_t addend) {
    Code code;
    Xbyak::Label loop, function, even;
    code.mov(code.ecx, 1000);
    code.xor_(code.edx, code.edx);
    code.L(loop);
    code.call(function);
    code.dec(code.ecx);
    code.jnz(loop);
    code.hlt();
    code.align(4096);
    code.L(function);
    code.test(code.ecx, 1);
    code.jz(even);
    code.add(code.edx, addend);
    code.L(even);
    code.inc(code.edx);
    code.mov(code.ptr[code.rip + 0x2000], code.rdx);
    code.ret();
    return code.bytes();
  }

  struct Run {
    uint64_t result;
    TranslationCounts counts;
  };
  Run run(uint32_t addend, uint32_t runs = 1) {
    TestGuest guest(TranslateMode::kChainedBlocks, 1, uint64_t{64} << 20, folder_.path());
    guest.place(kCode, program(addend));
    uint64_t result = 0;
    for (uint32_t i = 0; i < runs; ++i) {
      guest.set_state(TestGuest::start_state());
      result = guest.run_to_halt().gpr[kRdx];
    }
    return {result, translation_counts(guest.engine())};
  }
  static uint64_t expected(uint32_t addend) { return 1000 + 500 * addend; }

  uint64_t file_number() {
    struct stat status {};
    return stat(folder_.file().c_str(), &status) == 0 ? status.st_ino : 0;
  }

  test::TemporaryFolder folder_;
};

TEST_F(CodeStoreTest, TheSecondGuestTranslatesNothing) {
  Run first = run(3);
  EXPECT_EQ(first.result, expected(3));
  EXPECT_GT(first.counts.translated, 3u);
  EXPECT_EQ(first.counts.from_cache, 0u);
  uint64_t file = file_number();
  EXPECT_NE(file, 0u);
  Run second = run(3);
  EXPECT_EQ(second.result, expected(3));
  EXPECT_EQ(second.counts.translated, 0u);
  EXPECT_EQ(second.counts.from_cache, first.counts.translated);
  EXPECT_EQ(file_number(), file) << "written again, with nothing new";
}

TEST_F(CodeStoreTest, OtherCodeAtTheSameAddressIsTranslated) {
  (void)run(3);
  Run changed = run(4);
  EXPECT_EQ(changed.result, expected(4));
  EXPECT_EQ(changed.counts.translated, 1u);
  // Both are kept.
  EXPECT_EQ(run(4).counts.translated, 0u);
  EXPECT_EQ(run(3).counts.translated, 0u);
}

TEST_F(CodeStoreTest, CodeThatChangesWhileItRuns) {
  constexpr uint64_t kAddend = kCode + 4096 + 2 + 6 + 2;
  for (int round = 0; round < 3; ++round) {
    TestGuest guest(TranslateMode::kChainedBlocks, 1, uint64_t{64} << 20, folder_.path());
    guest.place(kCode, program(3));
    for (uint8_t addend : {3, 100, 3, 77, 3}) {
      // test ecx, imm32; jz short; add edx, imm8
      guest.place(kAddend, {addend});
      guest.set_state(TestGuest::start_state());
      EXPECT_EQ(guest.run_to_halt().gpr[kRdx], expected(addend)) << int{addend};
    }
  }
}

TEST_F(CodeStoreTest, TwoGuestsAtOnce) {
  (void)run(3);
  TestGuest one(TranslateMode::kChainedBlocks, 1, uint64_t{64} << 20, folder_.path());
  EXPECT_EQ(run(5).result, expected(5));  // puts another file in the place of the one that is in use
  one.place(kCode, program(3));
  one.set_state(TestGuest::start_state());
  EXPECT_EQ(one.run_to_halt().gpr[kRdx], expected(3));
  EXPECT_EQ(translation_counts(one.engine()).translated, 0u);
}

TEST_F(CodeStoreTest, ADamagedFileChangesNothing) {
  (void)run(3);
  std::ifstream file(folder_.file(), std::ios::binary);
  std::vector<char> right{std::istreambuf_iterator<char>(file), {}};
  for (size_t at = 0; at < right.size(); at += 97) {
    std::vector<char> bytes = right;
    bytes[at] = static_cast<char>(~bytes[at]);
    std::ofstream(folder_.file(), std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    Run damaged = run(3);
    EXPECT_EQ(damaged.result, expected(3)) << at;
  }
}

TEST_F(CodeStoreTest, AFolderThatOthersMayWriteIsNotUsed) {
  ASSERT_EQ(chmod(folder_.path().c_str(), 0777), 0);
  EXPECT_EQ(run(3).result, expected(3));
  EXPECT_EQ(file_number(), 0u);
}

TEST_F(CodeStoreTest, OtherCacheSizesAreOtherEngines) {
  (void)run(3);
  TestGuest other(TranslateMode::kChainedBlocks, 1, uint64_t{32} << 20, folder_.path());
  other.place(kCode, program(3));
  other.set_state(TestGuest::start_state());
  EXPECT_EQ(other.run_to_halt().gpr[kRdx], expected(3));
  EXPECT_EQ(translation_counts(other.engine()).from_cache, 0u);
}

TEST_F(CodeStoreTest, ManyBlocksInASmallCodeCache) {
  // The cache is emptied several times while placing from the store.
  Code code;
  for (int i = 0; i < 6000; ++i) {
    Xbyak::Label next;
    code.add(code.rdx, i);
    code.mov(code.ptr[code.rsp - 8], code.rdx);
    code.call(next);  // a jump would be inside a region
    code.L(next);
    code.lea(code.rsp, code.ptr[code.rsp + 8]);
  }
  code.hlt();
  std::vector<uint8_t> bytes = code.bytes();
  for (int round = 0; round < 2; ++round) {
    TestGuest guest(TranslateMode::kChainedBlocks, 1, uint64_t{1} << 20, folder_.path());
    guest.place(kCode, bytes);
    for (int i = 0; i < 2; ++i) {
      guest.set_state(TestGuest::start_state());
      EXPECT_EQ(guest.run_to_halt().gpr[kRdx], 6000u * 5999 / 2);
    }
    TranslationCounts counts = translation_counts(guest.engine());
    // A block whose constants could be addresses is not stored (BlockStorer), and there may be one among so
    // many.
    EXPECT_TRUE(round == 0 || counts.translated <= 4) << counts.translated;
    EXPECT_GT(counts.translated + counts.from_cache, 6000u);
  }
}

}  // namespace
}  // namespace cumulet::hypervisor
