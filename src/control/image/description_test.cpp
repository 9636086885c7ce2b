// Tests of reading image.json: a whole image, and every way in which one can be broken.
#include "control/image/description.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <string>

#include "control/image/digest.h"

namespace cumulet::control {
namespace {

namespace fs = std::filesystem;

std::string image_json(const std::string& kernel_file, const std::string& kernel_sha256) {
  return R"({"format": 1, "name": "n", "description": "d", "command_line": "console=ttyS0", "kernel": {"file": ")" +
         kernel_file + R"(", "sha256": ")" + kernel_sha256 + R"("}})";
}

class DescriptionTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "cumulet-description-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    write("vmlinuz", "kernel");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }

  // Returns the message of the error that reading this image.json gives; empty if there is none.
  std::string error_of(const std::string& text) {
    write("image.json", text);
    const Result<ImageDescription> result = read_image_description(folder_);
    if (result) return "";
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
    return result.error().message;
  }

  fs::path folder_;
};

TEST_F(DescriptionTest, ReadsAWholeImage) {
  write("image.json", image_json("vmlinuz", sha256_of_text("kernel")));
  const ImageDescription description = read_image_description(folder_).value();
  EXPECT_EQ(description.name, "n");
  EXPECT_EQ(description.kernel_file, "vmlinuz");
  EXPECT_EQ(description.initrd_file, "");
  EXPECT_EQ(description.content_sha256.size(), 64u);
}

TEST_F(DescriptionTest, ContentDependsOnTheCommandLine) {
  std::string text = image_json("vmlinuz", sha256_of_text("kernel"));
  write("image.json", text);
  const std::string before = read_image_description(folder_).value().content_sha256;
  text.replace(text.find("ttyS0"), 5, "ttyS1");
  write("image.json", text);
  EXPECT_NE(read_image_description(folder_).value().content_sha256, before);
}

TEST_F(DescriptionTest, RefusesWhatIsMalformed) {
  EXPECT_NE(error_of(""), "");
  EXPECT_NE(error_of("[]"), "");
  EXPECT_NE(error_of("{"), "");
  EXPECT_NE(error_of(R"({"format": 2})").find("format"), std::string::npos);
  EXPECT_NE(error_of(R"({"format": 1})").find("kernel"), std::string::npos);
  EXPECT_NE(error_of(R"({"format": 1, "kernel": {"file": 3}})").find("file"), std::string::npos);
}

TEST_F(DescriptionTest, RefusesFilesOutsideTheFolder) {
  const std::string digest = sha256_of_text("kernel");
  for (const char* name : {"", ".", "..", "/etc/passwd", "a/b"}) {
    EXPECT_NE(error_of(image_json(name, digest)).find("folder"), std::string::npos) << name;
  }
}

TEST_F(DescriptionTest, RefusesAFileThatChanged) {
  EXPECT_NE(error_of(image_json("vmlinuz", sha256_of_text("other"))).find("digest"), std::string::npos);
}

TEST_F(DescriptionTest, MissingFilesAreIoErrors) {
  EXPECT_EQ(read_image_description(folder_).error().code, ErrorCode::kIo);
  write("image.json", image_json("missing", sha256_of_text("kernel")));
  EXPECT_EQ(read_image_description(folder_).error().code, ErrorCode::kIo);
}

TEST(Digest, KnownAnswer) {
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(sha256_of_text("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace cumulet::control
