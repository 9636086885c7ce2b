// What only the SQLite store must do: survive, be shared by processes, and refuse files that are not its own.
#include "store/embedded/sqlite_kv.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace cumulet::store {
namespace {

class SqliteKvTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "cumulet-sqlite-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    path_ = folder_ / "store.db";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(SqliteKvTest, SurvivesReopening) {
  ASSERT_TRUE(SqliteKv::open(path_).value()->commit({{}, {{"a", "1"}, {"b", "2"}}}));
  auto kv = SqliteKv::open(path_).value();
  EXPECT_EQ(kv->get("b").value()->value, "2");
  EXPECT_EQ(kv->range("").value().revision, 1U);
}

TEST_F(SqliteKvTest, IsReadableByItsOwnerOnly) {
  auto kv = SqliteKv::open(path_).value();
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

// A child commits and dies without any clean-up; what it confirmed is there, and the store opens.
TEST_F(SqliteKvTest, SurvivesAKilledWriter) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto kv = SqliteKv::open(path_);
    if (!kv || !(*kv)->commit({{}, {{"a", "1"}}})) _exit(1);
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(SqliteKv::open(path_).value()->get("a").value()->value, "1");
}

TEST_F(SqliteKvTest, WatchNoticesAnotherConnection) {
  auto kv = SqliteKv::open(path_).value();
  auto other = SqliteKv::open(path_).value();
  ASSERT_TRUE(other->commit({{}, {{"a", "1"}}}));
  EXPECT_EQ(kv->watch("a", 0, 60'000).value().changes.size(), 1U);
  EXPECT_EQ(kv->commit({{{"a", 0}}, {{"a", "2"}}}).error().code, ErrorCode::kConflict);
}

TEST_F(SqliteKvTest, RefusesAFileThatIsNoDatabase) {
  std::ofstream(path_) << std::string(8192, 'x');
  const auto kv = SqliteKv::open(path_);
  ASSERT_FALSE(kv);
  EXPECT_EQ(kv.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(kv.error().message.find(path_), std::string::npos);
}

TEST_F(SqliteKvTest, RefusesADamagedFile) {
  {
    auto kv = SqliteKv::open(path_).value();
    for (int i = 0; i < 100; ++i)
      ASSERT_TRUE(kv->commit({{}, {{std::to_string(i), std::string(1000, 'x')}}}));
  }
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  file << std::string(32 * 1024, '\x5a');
  file.close();
  const auto kv = SqliteKv::open(path_);
  ASSERT_FALSE(kv);
  EXPECT_EQ(kv.error().code, ErrorCode::kCorrupt);
}

TEST_F(SqliteKvTest, RefusesOtherDatabasesAndNewerSchemas) {
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &raw), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw, "CREATE TABLE t (a)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
  EXPECT_EQ(SqliteKv::open(path_).error().code, ErrorCode::kCorrupt);

  const std::string newer = folder_ / "newer.db";
  ASSERT_TRUE(SqliteKv::open(newer));
  ASSERT_EQ(sqlite3_open(newer.c_str(), &raw), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw, "PRAGMA user_version = 99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
  EXPECT_EQ(SqliteKv::open(newer).error().code, ErrorCode::kUnsupported);
}

TEST_F(SqliteKvTest, AMissingFolderIsAClearError) {
  const auto kv = SqliteKv::open(folder_ / "missing" / "store.db");
  ASSERT_FALSE(kv);
  EXPECT_EQ(kv.error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace cumulet::store
