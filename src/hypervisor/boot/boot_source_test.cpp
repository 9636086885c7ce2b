// Tests of reading boot files in pieces, and of files that change meanwhile.
#include "hypervisor/boot/boot_source.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <vector>

#include "hypervisor/boot/boot_data.h"

namespace cumulet::hypervisor {
namespace {

using Bytes = std::vector<uint8_t>;

class FileSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/boot-source-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    path_ = folder_ + "/file";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // A file whose bytes tell where they are.
  void write_file(size_t size) {
    content_.resize(size);
    for (size_t i = 0; i < size; ++i) content_[i] = static_cast<uint8_t>(i * 7 + i / 4096);
    std::ofstream(path_, std::ios::binary)
        .write(static_cast<const char*>(static_cast<const void*>(content_.data())),
               static_cast<std::streamsize>(size));
  }

  std::string folder_, path_;
  Bytes content_;
};

TEST_F(FileSourceTest, ReadsPieces) {
  write_file(10'000);
  auto file = FileSource::open(path_, "kernel").value();
  ASSERT_EQ(file.size(), 10'000u);
  Bytes piece(5000);
  ASSERT_TRUE(file.read(4999, piece).has_value());
  EXPECT_TRUE(std::equal(piece.begin(), piece.end(), content_.begin() + 4999));
}

TEST_F(FileSourceTest, SaysThatTheFileBecameShorter) {
  write_file(10'000);
  auto file = FileSource::open(path_, "kernel").value();
  std::filesystem::resize_file(path_, 6000);
  Bytes all(10'000);
  auto result = file.read(0, all);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kIo);
  EXPECT_NE(result.error().message.find("shorter"), std::string::npos);
}

TEST_F(FileSourceTest, AnInitrdOfManyPiecesArrivesWhole) {
  constexpr uint64_t kRamSize = 16 << 20;
  write_file((3 << 20) + 777);
  auto file = FileSource::open(path_, "initrd").value();
  auto memory = GuestMemory::create({{0, kRamSize, 0}}).value();
  LoadedInitrd initrd = load_initrd(*memory, &file, 0x200000, uint64_t{1} << 32).value();
  EXPECT_EQ(initrd.size, content_.size());
  EXPECT_EQ(initrd.address % 4096, 0u);
  Bytes loaded(content_.size());
  ASSERT_TRUE(memory->read(initrd.address, loaded));
  EXPECT_EQ(loaded, content_);

  std::filesystem::resize_file(path_, 2 << 20);
  auto cut = load_initrd(*memory, &file, 0x200000, uint64_t{1} << 32);
  ASSERT_FALSE(cut.has_value());
  EXPECT_NE(cut.error().message.find("initrd"), std::string::npos) << cut.error().message;
}

}  // namespace
}  // namespace cumulet::hypervisor
