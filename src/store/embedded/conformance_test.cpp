// The conformance test of Kv: the same cases over every implementation.
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <thread>

#include "store/embedded/sqlite_kv.h"
#include "store/kv/memory_kv.h"

namespace cumulet::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = testing::TempDir() + "cumulet-kv-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] std::string file(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

class KvTest : public testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<Kv> open(uint64_t kept_revisions = 10'000) {
    if (std::string_view(GetParam()) == "memory") return std::make_unique<MemoryKv>(kept_revisions);
    auto kv = SqliteKv::open(folder_.file("store.db"), kept_revisions);
    EXPECT_TRUE(kv) << kv.error().to_string();
    return std::move(*kv);
  }
  void SetUp() override { kv_ = open(); }

  uint64_t put(const std::string& key, const std::string& value) {
    return kv_->commit({{}, {{key, value}}}).value();
  }
  uint64_t erase(const std::string& key) { return kv_->commit({{}, {{key, std::nullopt}}}).value(); }
  std::vector<std::string> keys(std::string_view prefix, const RangeOptions& options = {}) {
    std::vector<std::string> found;
    const Range range = kv_->range(prefix, options).value();
    for (const Entry& entry : range.entries) found.push_back(entry.key);
    return found;
  }

  TemporaryFolder folder_;
  std::unique_ptr<Kv> kv_;
};

TEST_P(KvTest, MissingKeyIsNone) {
  EXPECT_FALSE(kv_->get("a").value());
  EXPECT_EQ(kv_->range("").value().revision, 0U);
}

TEST_P(KvTest, PutGetAndRevisions) {
  const uint64_t first = put("a", "1");
  const uint64_t second = put("b", std::string("\0x\xff", 3));
  EXPECT_EQ(second, first + 1);
  EXPECT_EQ(kv_->get("a").value()->revision, first);
  EXPECT_EQ(kv_->get("b").value()->value, std::string("\0x\xff", 3));
  put("a", "");
  EXPECT_EQ(kv_->get("a").value()->value, "");
  EXPECT_EQ(kv_->get("a").value()->revision, second + 1);
}

TEST_P(KvTest, DeleteAndMakeAgain) {
  put("a", "1");
  erase("a");
  EXPECT_FALSE(kv_->get("a").value());
  EXPECT_THAT(keys(""), IsEmpty());
  EXPECT_TRUE(kv_->commit({{{"a", 0}}, {{"a", "2"}}}));
  EXPECT_EQ(kv_->get("a").value()->value, "2");
}

TEST_P(KvTest, CompareGuardsAllWrites) {
  const uint64_t revision = put("a", "1");
  EXPECT_EQ(kv_->commit({{{"a", 0}}, {{"a", "2"}, {"b", "2"}}}).error().code, ErrorCode::kConflict);
  EXPECT_EQ(kv_->commit({{{"a", revision + 1}}, {{"b", "2"}}}).error().code, ErrorCode::kConflict);
  EXPECT_EQ(kv_->commit({{{"c", revision}}, {{"b", "2"}}}).error().code, ErrorCode::kConflict);
  EXPECT_FALSE(kv_->get("b").value());
  EXPECT_EQ(kv_->get("a").value()->value, "1");
  EXPECT_TRUE(kv_->commit({{{"a", revision}, {"b", 0}}, {{"a", "2"}, {"b", "2"}}}));
  EXPECT_EQ(kv_->get("a").value()->revision, kv_->get("b").value()->revision);
}

TEST_P(KvTest, TransactionWithoutWritesOnlyChecks) {
  const uint64_t revision = put("a", "1");
  EXPECT_EQ(kv_->commit({{{"a", revision}}, {}}).value(), revision);
  EXPECT_EQ(kv_->commit({{{"a", 0}}, {}}).error().code, ErrorCode::kConflict);
}

TEST_P(KvTest, RangeIsOrderedAndBoundedByItsPrefix) {
  for (const char* key : {"b/2", "a", "b/1", "b", "b0", "b/", "c", "b/\xff\xff"}) put(key, "x");
  EXPECT_THAT(keys("b/"), ElementsAre("b/", "b/1", "b/2", "b/\xff\xff"));
  EXPECT_EQ(keys("").size(), 8U);
  EXPECT_THAT(keys("b/\xff"), ElementsAre("b/\xff\xff"));
  EXPECT_THAT(keys("d"), IsEmpty());
}

TEST_P(KvTest, RangePages) {
  for (int i = 0; i < 5; ++i) put("k/" + std::to_string(i), "x");
  const Range first = kv_->range("k/", {"", 2}).value();
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.entries.size(), 2U);
  EXPECT_THAT(keys("k/", {"k/1", 2}), ElementsAre("k/2", "k/3"));
  const Range last = kv_->range("k/", {"k/3", 2}).value();
  EXPECT_FALSE(last.more);
  EXPECT_EQ(last.entries.size(), 1U);
  EXPECT_FALSE(kv_->range("k/", {"k/2", 2}).value().more);
  EXPECT_THAT(keys("k/", {"a", 1}), ElementsAre("k/0"));
}

TEST_P(KvTest, WatchTellsTheLatestStateOfEachChangedKey) {
  put("w/a", "1");
  const uint64_t start = put("w/b", "1");
  put("w/a", "2");
  put("other", "x");
  erase("w/b");
  put("w/a", "3");
  const Changes changes = kv_->watch("w/", start, 0).value();
  ASSERT_EQ(changes.changes.size(), 2U);
  EXPECT_EQ(changes.changes[0].key, "w/b");
  EXPECT_FALSE(changes.changes[0].value);
  EXPECT_EQ(changes.changes[1].key, "w/a");
  EXPECT_EQ(changes.changes[1].value, "3");
  EXPECT_THAT(kv_->watch("w/", changes.revision, 0).value().changes, IsEmpty());
}

TEST_P(KvTest, WatchWakesOnACommitOfAnotherThread) {
  const uint64_t start = put("w/a", "1");
  std::thread writer([&] {
    put("other", "x");
    put("w/a", "2");
  });
  const Changes changes = kv_->watch("w/", start, 60'000).value();
  writer.join();
  ASSERT_EQ(changes.changes.size(), 1U);
  EXPECT_EQ(changes.changes[0].value, "2");
}

TEST_P(KvTest, WatchEndsEmptyAtItsTimeoutAndWhenInterrupted) {
  EXPECT_THAT(kv_->watch("w/", 0, 1).value().changes, IsEmpty());
  std::thread stopper([&] { kv_->interrupt_watches(); });
  EXPECT_THAT(kv_->watch("w/", 0, 60'000).value().changes, IsEmpty());
  stopper.join();
}

TEST_P(KvTest, ForgottenDeletionsAreAnErrorNotASilence) {
  kv_.reset();
  kv_ = open(3);
  put("a", "1");
  const uint64_t start = put("b", "1");
  erase("a");
  for (int i = 0; i < 10; ++i) put("b", std::to_string(i));
  EXPECT_EQ(kv_->watch("", start, 0).error().code, ErrorCode::kFailedPrecondition);
  const uint64_t now = kv_->range("").value().revision;
  EXPECT_TRUE(kv_->watch("", now, 0));
}

// Two threads count one key up by compare and set: no increment may get lost.
TEST_P(KvTest, ConcurrentIncrementsAreNotLost) {
  put("n", "0");
  const auto count_up = [&] {
    for (int done = 0; done < 50;) {
      const Entry entry = *kv_->get("n").value();
      const auto result =
          kv_->commit({{{"n", entry.revision}}, {{"n", std::to_string(std::stoi(entry.value) + 1)}}});
      if (result) ++done;
    }
  };
  std::thread other(count_up);
  count_up();
  other.join();
  EXPECT_EQ(kv_->get("n").value()->value, "100");
}

INSTANTIATE_TEST_SUITE_P(Implementations, KvTest, testing::Values("memory", "sqlite"),
                         [](const auto& test) { return std::string(test.param); });

// The same random transactions leave both implementations in the same state.
TEST(KvDifferential, RandomTransactions) {
  const TemporaryFolder folder;
  MemoryKv memory(20);
  auto sqlite = SqliteKv::open(folder.file("store.db"), 20).value();
  std::mt19937 random(1);
  uint64_t watched = 0;
  for (int step = 0; step < 300; ++step) {
    Transaction transaction;
    for (char name = 'a'; name < 'f'; ++name) {
      const std::string key(1, name);
      if (random() % 6 == 0)
        transaction.compares.push_back({key, memory.get(key).value() ? random() % 40 : 0});
      if (random() % 3 == 0)
        transaction.writes.push_back({key, random() % 2 ? std::optional(key) : std::nullopt});
    }
    const auto expected = memory.commit(transaction);
    const auto actual = sqlite->commit(transaction);
    ASSERT_EQ(expected.has_value(), actual.has_value());
    if (expected) {
      ASSERT_EQ(*expected, *actual);
    }
    const auto left = memory.watch("", watched, 0);
    const auto right = sqlite->watch("", watched, 0);
    ASSERT_EQ(left.has_value(), right.has_value());
    if (!left) {
      watched = memory.range("").value().revision;
      continue;
    }
    ASSERT_EQ(left->changes.size(), right->changes.size());
    for (size_t i = 0; i < left->changes.size(); ++i) {
      ASSERT_EQ(left->changes[i].key, right->changes[i].key);
      ASSERT_EQ(left->changes[i].value, right->changes[i].value);
    }
    if (random() % 4 == 0) watched = left->revision;
  }
}

}  // namespace
}  // namespace cumulet::store
