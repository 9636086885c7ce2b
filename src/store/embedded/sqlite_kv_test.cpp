// What only the SQLite store must do: survive, be shared by processes, and refuse files that are not its own.
#include "store/embedded/sqlite_kv.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

// Another process that closes the store must not take it for its last user and remove the log under this one:
// it would, if this process had lost its locks.
TEST_F(SqliteKvTest, SurvivesAnotherProcessThatOpensAndClosesIt) {
  int start[2];
  ASSERT_EQ(pipe(start), 0);
  const pid_t child = fork();  // before this process opens the store: a fork must not share SQLite's state
  ASSERT_GE(child, 0);
  if (child == 0) {
    char byte = 0;
    if (read(start[0], &byte, 1) != 1) _exit(1);
    {
      auto kv = SqliteKv::open(path_);
      if (!kv || !(*kv)->commit({{}, {{"a", "1"}}})) _exit(1);
    }
    _exit(0);
  }
  auto kv = SqliteKv::open(path_).value();
  ASSERT_EQ(write(start[1], "x", 1), 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  close(start[0]);
  close(start[1]);
  EXPECT_TRUE(std::filesystem::exists(path_ + "-wal"));
  EXPECT_EQ(kv->get("a").value().value_or(Entry{}).value, "1");
  ASSERT_TRUE(kv->commit({{}, {{"b", "2"}}}));
  EXPECT_EQ(SqliteKv::open(path_).value()->get("b").value().value_or(Entry{}).value, "2");
}

TEST_F(SqliteKvTest, WatchNoticesAnotherConnection) {
  auto kv = SqliteKv::open(path_).value();
  auto other = SqliteKv::open(path_).value();
  ASSERT_TRUE(other->commit({{}, {{"a", "1"}}}));
  EXPECT_EQ(kv->watch("a", 0, 60'000).value().changes.size(), 1U);
  EXPECT_EQ(kv->commit({{{"a", 0}}, {{"a", "2"}}}).error().code, ErrorCode::kConflict);
}

// A long-lived process, here a child, must see what others write that open the store, write and close it:
// none of them may take the write-ahead log away under it. (SQLite must not be open across fork(), so the
// child is first.)
TEST_F(SqliteKvTest, SeesWhatOtherProcessesWroteThatCameAndWent) {
  int to_child[2];
  int to_parent[2];
  ASSERT_EQ(pipe(to_child), 0);
  ASSERT_EQ(pipe(to_parent), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    close(to_child[1]);  // so that it ends when the parent does
    auto kv = SqliteKv::open(path_);
    char turn = kv ? 'y' : 'n';
    while (write(to_parent[1], &turn, 1) == 1 && read(to_child[0], &turn, 1) == 1 && turn != 'q') {
      const auto entry = (*kv)->get(std::string(1, turn));
      turn = entry && *entry && (*kv)->commit({{}, {{"seen", std::string(1, turn)}}}) ? 'y' : 'n';
    }
    _exit(0);
  }
  char answer = 0;
  ASSERT_EQ(read(to_parent[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  for (const char turn : {'a', 'b', 'c'}) {
    ASSERT_TRUE(SqliteKv::open(path_).value()->commit({{}, {{std::string(1, turn), "1"}}}));
    ASSERT_EQ(write(to_child[1], &turn, 1), 1);
    ASSERT_EQ(read(to_parent[0], &answer, 1), 1);
    EXPECT_EQ(answer, 'y') << turn;
    EXPECT_EQ(SqliteKv::open(path_).value()->get("seen").value()->value, std::string(1, turn));
  }
  ASSERT_EQ(write(to_child[1], "q", 1), 1);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
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
