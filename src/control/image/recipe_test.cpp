// Tests of running recipes: an unknown one, a failing one, a working one.
#include "control/image/recipe.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <stdlib.h>

namespace cumulet::control {
namespace {

namespace fs = std::filesystem;

class RecipeTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "cumulet-recipe-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::create_directories(folder_ / "one");
    write("one/recipe.json", "{}");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }

  fs::path folder_;
};

TEST_F(RecipeTest, ListsOnlyFoldersWithARecipe) {
  fs::create_directories(folder_ / "not_a_recipe");
  EXPECT_EQ(list_recipes(folder_), std::vector<std::string>{"one"});
  EXPECT_TRUE(list_recipes(folder_ / "missing").empty());
}

TEST_F(RecipeTest, UnknownRecipeNamesTheKnownOnes) {
  const Result<> result = run_recipe(folder_, "../one", folder_ / "out");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kNotFound);
  EXPECT_NE(result.error().message.find("there are: one"), std::string::npos) << result.error().message;
}

TEST_F(RecipeTest, FailingRecipeIsAnError) {
  write("build_image.py", "import sys\nsys.exit(7)\n");
  const Result<> result = run_recipe(folder_, "one", folder_ / "out");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(result.error().message.find("status 7"), std::string::npos) << result.error().message;
}

TEST_F(RecipeTest, PassesTheRecipesFolderAndTheOutput) {
  write("build_image.py",
        "import pathlib, sys\n"
        "pathlib.Path(sys.argv[2]).write_text(pathlib.Path(sys.argv[1]).name)\n");
  ASSERT_TRUE(run_recipe(folder_, "one", folder_ / "out"));
  std::string text;
  std::ifstream(folder_ / "out") >> text;
  EXPECT_EQ(text, "one");
}

TEST_F(RecipeTest, FolderComesFromTheEnvironment) {
  setenv("CUMULET_IMAGES", folder_.c_str(), 1);
  EXPECT_EQ(find_recipes().value(), folder_);
  setenv("CUMULET_IMAGES", (folder_ / "missing").c_str(), 1);
  EXPECT_EQ(find_recipes().error().code, ErrorCode::kNotFound);
  unsetenv("CUMULET_IMAGES");
}

}  // namespace
}  // namespace cumulet::control
