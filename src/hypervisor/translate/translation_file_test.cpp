// Files of translations: what is written is found again; whatever does not match or is damaged is refused.
#include "hypervisor/translate/translation_file.h"

#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <random>
#include <sys/stat.h>

#include "hypervisor/translate/content_hash.h"
#include "hypervisor/translate/temporary_folder.h"
#include "hypervisor/translate/translation_file_layout.h"

namespace cumulet::hypervisor {
namespace {

constexpr uint64_t kKey = 0x1234'5678'9abc'def0, kOtherKey = 0x8765'4321'0fed'cba9;

class TranslationFileTest : public testing::Test {
 protected:
  void SetUp() override {
    identity_.build[0] = 1;
    identity_.processor = 2;
    identity_.layout = 3;
    identity_.code_cache_size = 4;
    folder_ = std::move(*open_translation_folder(place_.path()));
    write_file();
  }

  void write_file() {
    auto writer = TranslationFileWriter::create(folder_.get());
    ASSERT_TRUE(writer.has_value());
    ASSERT_TRUE((*writer)->add_group(kFirst, {{kKey, 1, 2, 0, 0}, {kOtherKey, 2, 2, 0, 1}}, 0).has_value());
    ASSERT_TRUE((*writer)->add_group(kSecond, {{kKey, 3, 4, 0, 2}}, 5).has_value());
    ASSERT_TRUE((*writer)->finish(identity_).has_value());
  }

  Result<std::unique_ptr<TranslationFile>> open() { return TranslationFile::open(folder_.get(), identity_); }
  ErrorCode error() {
    auto opened = open();
    return opened ? ErrorCode::kAlreadyExists : opened.error().code;
  }
  std::vector<uint8_t> content() {
    std::ifstream file(place_.file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void replace_content(const std::vector<uint8_t>& bytes) {
    std::ofstream file(place_.file(), std::ios::binary | std::ios::trunc);
    file.write(static_cast<const char*>(static_cast<const void*>(bytes.data())),
               static_cast<std::streamsize>(bytes.size()));
  }

  const std::vector<uint8_t> kFirst = {1, 2, 3, 4, 5}, kSecond = {9, 8, 7};
  test::TemporaryFolder place_;
  EngineIdentity identity_;
  UniqueFd folder_;
};

TEST_F(TranslationFileTest, FindsWhatWasWritten) {
  auto file = open();
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ((*file)->groups(), 2u);
  auto first = (*file)->find(kKey, 0), second = (*file)->find(kKey, 1);
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->group, second->group);
  EXPECT_FALSE((*file)->find(kKey, 2).has_value());
  EXPECT_FALSE((*file)->find(kKey + (uint64_t{1} << 32), 0).has_value());
  EXPECT_EQ((*file)->find(kOtherKey, 0)->offset, 1u);
  std::vector<uint8_t> bytes;
  EXPECT_TRUE((*file)->read(0, bytes));
  EXPECT_EQ(bytes, kFirst);
  EXPECT_TRUE((*file)->read(1, bytes));
  EXPECT_EQ(bytes, kSecond);
  EXPECT_EQ((*file)->age(1), 5u);
}

TEST_F(TranslationFileTest, OnlyTheWriterMayReadTheFile) {
  struct stat status {};
  ASSERT_EQ(stat(place_.file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(TranslationFileTest, AnotherEngineIsRefused) {
  const EngineIdentity right = identity_;
  identity_.build[31] = 1;
  EXPECT_EQ(error(), ErrorCode::kFailedPrecondition);
  identity_ = right;
  identity_.processor = 0;
  EXPECT_EQ(error(), ErrorCode::kFailedPrecondition);
  identity_ = right;
  identity_.layout = 0;
  EXPECT_EQ(error(), ErrorCode::kFailedPrecondition);
  identity_ = right;
  identity_.code_cache_size = 0;
  EXPECT_EQ(error(), ErrorCode::kFailedPrecondition);
  identity_ = right;
  EXPECT_TRUE(open().has_value());
}

TEST_F(TranslationFileTest, AnotherFormatIsRefused) {
  std::vector<uint8_t> bytes = content();
  ++bytes[translation_file::kVersionAt];
  replace_content(bytes);
  EXPECT_EQ(error(), ErrorCode::kFailedPrecondition);
}

TEST_F(TranslationFileTest, ChangedBitsAreNoticed) {
  const std::vector<uint8_t> right = content();
  for (size_t bit = 0; bit < right.size() * 8; bit += 7) {
    std::vector<uint8_t> bytes = right;
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    replace_content(bytes);
    auto file = open();
    if (!file) continue;
    std::vector<uint8_t> group;
    EXPECT_FALSE((*file)->read(0, group) && (*file)->read(1, group)) << bit;
  }
}

TEST_F(TranslationFileTest, EveryOtherLengthIsRefused) {
  const std::vector<uint8_t> right = content();
  for (size_t size = 0; size < right.size(); ++size) {
    replace_content({right.begin(), right.begin() + static_cast<std::ptrdiff_t>(size)});
    EXPECT_EQ(error(), ErrorCode::kCorrupt) << size;
  }
  std::vector<uint8_t> longer = right;
  longer.push_back(0);
  replace_content(longer);
  EXPECT_EQ(error(), ErrorCode::kCorrupt);
}

// Numbers that a checksum vouches for are not trusted either.
TEST_F(TranslationFileTest, HostileNumbersDoNoHarm) {
  using namespace translation_file;
  const std::vector<uint8_t> right = content();
  std::mt19937_64 random(1);
  for (int round = 0; round < 1000; ++round) {
    std::vector<uint8_t> bytes = right;
    for (uint64_t i = 1 + random() % 3; i > 0; --i)
      bytes[kVersionAt + 4 + random() % (bytes.size() - kVersionAt - 4)] = static_cast<uint8_t>(random());
    auto tables = std::min<uint64_t>(load_le<uint64_t>(bytes, kTables), bytes.size());
    store_le<uint64_t>(bytes, kTablesChecksum, content_hash(ByteView(bytes).subspan(tables)));
    std::copy(identity_.build.begin(), identity_.build.end(), bytes.begin() + kBuild);
    store_le<uint64_t>(bytes, kHeaderChecksum, content_hash(ByteView(bytes).first(kHeaderChecksum)));
    replace_content(bytes);
    auto file = open();
    if (!file) continue;
    std::vector<uint8_t> group;
    for (uint32_t number = 0; number < std::min((*file)->groups(), 4u); ++number)
      (void)(*file)->read(number, group);
    for (uint64_t key : {kKey, kOtherKey, uint64_t{0}})
      for (uint32_t nth = 0; auto found = (*file)->find(key, nth); ++nth)
        EXPECT_LT(found->group, (*file)->groups());
  }
}

TEST_F(TranslationFileTest, WhatOthersMayWriteIsRefused) {
  ASSERT_EQ(chmod(place_.file().c_str(), 0620), 0);
  EXPECT_EQ(error(), ErrorCode::kPermissionDenied);
  ASSERT_EQ(chmod(place_.file().c_str(), 0600), 0);
  EXPECT_TRUE(open().has_value());
  ASSERT_EQ(chmod(place_.path().c_str(), 0777), 0);
  auto folder = open_translation_folder(place_.path());
  ASSERT_FALSE(folder.has_value());
  EXPECT_EQ(folder.error().code, ErrorCode::kPermissionDenied);
}

TEST_F(TranslationFileTest, ALinkIsRefused) {
  std::filesystem::rename(place_.file(), place_.path() + "/elsewhere");
  std::filesystem::create_symlink(place_.path() + "/elsewhere", place_.file());
  EXPECT_FALSE(open().has_value());
}

TEST_F(TranslationFileTest, AWriterThatGivesUpLeavesTheOldFile) {
  const std::vector<uint8_t> before = content();
  {
    auto writer = TranslationFileWriter::create(folder_.get());
    ASSERT_TRUE(writer.has_value());
    ASSERT_TRUE((*writer)->add_group(kSecond, {}, 0).has_value());
  }
  EXPECT_EQ(content(), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(place_.path()), {}), 1);
}

TEST_F(TranslationFileTest, AnOpenFileStaysWhenAnotherTakesItsPlace) {
  auto file = open();
  ASSERT_TRUE(file.has_value());
  auto writer = TranslationFileWriter::create(folder_.get());
  ASSERT_TRUE(writer.has_value());
  ASSERT_TRUE((*writer)->finish(identity_).has_value());
  std::vector<uint8_t> bytes;
  EXPECT_TRUE((*file)->read(0, bytes));
  EXPECT_EQ(bytes, kFirst);
  EXPECT_EQ((*open())->groups(), 0u);
}

}  // namespace
}  // namespace cumulet::hypervisor
