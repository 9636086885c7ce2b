// Tests of installing images: the same content twice, a rebuilt recipe, leftovers of a crash, failures.
#include "control/image/install.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <string>

#include "control/image/digest.h"
#include "control/resource/image_store.h"
#include "store/kv/memory_kv.h"

namespace cumulet::control {
namespace {

namespace fs = std::filesystem;

class InstallTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "cumulet-install-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    state_ = name;
  }
  void TearDown() override { fs::remove_all(state_); }

  static void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }

  // Makes a folder as a recipe leaves it, with a kernel of these bytes.
  fs::path built(const std::string& kernel) {
    const fs::path folder = state_ / "built";
    fs::create_directories(folder);
    write(folder / "vmlinuz", kernel);
    write(folder / "image.json",
          R"({"format": 1, "name": "debian", "description": "", "command_line": "console=ttyS0", "kernel": )"
          R"({"file": "vmlinuz", "sha256": ")" +
              sha256_of_text(kernel) + R"("}})");
    return folder;
  }

  Result<Image> install(const fs::path& folder) {
    return install_image(kv_, clock_, state_, folder, "123456789012");
  }

  fs::path state_;
  store::MemoryKv kv_;
  ManualClock clock_;
};

TEST_F(InstallTest, PlacesFilesAndRegisters) {
  const Image image = install(built("one")).value();
  EXPECT_TRUE(is_well_formed(image.id)) << image.id.str();
  EXPECT_EQ(image.name, "debian");
  EXPECT_EQ(image.owner_id, "123456789012");
  EXPECT_EQ(image.kernel_file, "images/" + image.id.str() + "/vmlinuz");
  EXPECT_EQ(sha256_of_file(state_ / image.kernel_file).value(), sha256_of_text("one"));
  EXPECT_FALSE(fs::exists(state_ / "built"));
  EXPECT_EQ(find_image(kv_, image.id).value()->content_sha256, image.content_sha256);
}

TEST_F(InstallTest, SameContentIsTheSameImage) {
  const Image first = install(built("one")).value();
  clock_.advance_ns(5'000'000'000);
  const Image second = install(built("one")).value();
  EXPECT_EQ(first.id, second.id);
  EXPECT_EQ(first.creation_time_ms, second.creation_time_ms);
  EXPECT_EQ(list_images(kv_).value().size(), 1u);
}

TEST_F(InstallTest, RebuiltRecipeTakesTheNameOver) {
  const Image first = install(built("one")).value();
  const Image second = install(built("two")).value();
  EXPECT_NE(first.id, second.id);
  EXPECT_EQ(find_image(kv_, second.id).value()->name, "debian");
  EXPECT_NE(find_image(kv_, first.id).value()->name, "debian");
  EXPECT_TRUE(fs::exists(state_ / first.kernel_file)) << "instances may still boot from it";
}

TEST_F(InstallTest, TakesOverFilesThatACrashLeftUnregistered) {
  const Image lost = install(built("one")).value();
  store::MemoryKv empty;
  const Image image = install_image(empty, clock_, state_, built("one"), "123456789012").value();
  EXPECT_EQ(image.id, lost.id);
  EXPECT_TRUE(find_image(empty, image.id).value().has_value());
}

TEST_F(InstallTest, RepairsDamagedFiles) {
  const Image image = install(built("one")).value();
  write(state_ / image.kernel_file, "damaged");
  ASSERT_TRUE(install(built("one")));
  EXPECT_EQ(sha256_of_file(state_ / image.kernel_file).value(), sha256_of_text("one"));
}

TEST_F(InstallTest, RefusesAFolderThatIsNoImage) {
  const fs::path folder = built("one");
  write(folder / "vmlinuz", "other");
  EXPECT_EQ(install(folder).error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(list_images(kv_).value().empty());
}

TEST_F(InstallTest, FailedRecipeLeavesNothingBehind) {
  const fs::path recipes = state_ / "recipes";
  fs::create_directories(recipes / "one");
  write(recipes / "one/recipe.json", "{}");
  write(recipes / "build_image.py",
        "import pathlib, sys\n"
        "pathlib.Path(sys.argv[2]).mkdir()\n"
        "(pathlib.Path(sys.argv[2]) / 'vmlinuz').write_text('half')\n"
        "sys.exit(1)\n");
  const Result<Image> image = build_image(kv_, clock_, recipes, "one", state_, "123456789012");
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code, ErrorCode::kUnavailable);
  for (const fs::directory_entry& entry : fs::directory_iterator(state_ / "images")) {
    EXPECT_EQ(entry.path().filename(), ".lock");
  }
  EXPECT_TRUE(list_images(kv_).value().empty());
}

}  // namespace
}  // namespace cumulet::control
