// The key-value store over SQLite.
#include "store/embedded/sqlite_kv.h"

#include <algorithm>
#include <chrono>

#include "store/embedded/schema.h"
#include "store/kv/transaction.h"

namespace cumulet::store {

namespace {
constexpr std::chrono::milliseconds kPollInterval(200);  // how late another process's write may be noticed
constexpr uint64_t kForgetEvery = 256;                   // revisions between two clean-ups
}  // namespace

struct SqliteKv::Statements {
  Statement head, get, range, revision_of, put, advance, changes, forget, forgotten;

  static Result<std::unique_ptr<Statements>> prepare(sqlite3* database) {
    const auto sql = [&](std::string_view text) { return Statement::prepare(database, text); };
    return std::unique_ptr<Statements>(new Statements{
        TRY(sql("SELECT revision, forgotten FROM head")),
        TRY(sql("SELECT value, revision FROM entry WHERE key = ?1 AND value IS NOT NULL")),
        TRY(sql(
            "SELECT key, value, revision FROM entry WHERE key >= ?1 AND key > ?2 AND (?3 IS NULL OR key < ?3)"
            " AND value IS NOT NULL ORDER BY key LIMIT ?4")),
        TRY(sql("SELECT revision FROM entry WHERE key = ?1 AND value IS NOT NULL")),
        TRY(sql("INSERT INTO entry VALUES (?1, ?2, ?3)"
                " ON CONFLICT (key) DO UPDATE SET value = ?2, revision = ?3")),
        TRY(sql("UPDATE head SET revision = ?1")),
        TRY(sql("SELECT key, value, revision FROM entry WHERE revision > ?1 AND key >= ?2"
                " AND (?3 IS NULL OR key < ?3) ORDER BY revision, key")),
        TRY(sql("DELETE FROM entry WHERE value IS NULL AND revision <= ?1")),
        TRY(sql("UPDATE head SET forgotten = ?1")),
    });
  }
};

SqliteKv::SqliteKv(Database database, std::unique_ptr<Statements> statements, uint64_t kept_revisions)
    : kept_revisions_(kept_revisions), database_(std::move(database)), statements_(std::move(statements)) {}

SqliteKv::~SqliteKv() = default;

Result<std::unique_ptr<SqliteKv>> SqliteKv::open(const std::string& path, uint64_t kept_revisions) {
  Database database = TRY(open_database(path));
  auto statements = TRY(Statements::prepare(database.get()));
  return std::unique_ptr<SqliteKv>(new SqliteKv(std::move(database), std::move(statements), kept_revisions));
}

template <typename Body>
auto SqliteKv::in_transaction(const char* begin, Body body) -> decltype(body()) {
  TRY_VOID(execute(database_.get(), begin));
  auto result = body();
  if (result) {
    if (Result<> committed = execute(database_.get(), "COMMIT"); !committed)
      result = fail(std::move(committed).error());
  }
  // A failed COMMIT may have rolled back by itself already; then this one's error says nothing new.
  if (!result && sqlite3_get_autocommit(database_.get()) == 0) (void)execute(database_.get(), "ROLLBACK");
  return result;
}

Result<SqliteKv::Head> SqliteKv::read_head() {
  Statement& statement = statements_->head;
  statement.reset();
  if (!TRY(statement.step())) return fail(ErrorCode::kCorrupt, "the store's file is damaged", "no head row");
  const Head head{static_cast<uint64_t>(statement.number(0)), static_cast<uint64_t>(statement.number(1))};
  statement.reset();
  return head;
}

Result<std::optional<Entry>> SqliteKv::get(std::string_view key) {
  const std::lock_guard lock(mutex_);
  Statement& statement = statements_->get;
  statement.reset();
  statement.bind(1, key);
  std::optional<Entry> entry;
  if (TRY(statement.step()))
    entry = Entry{std::string(key), statement.bytes(0), static_cast<uint64_t>(statement.number(1))};
  statement.reset();
  return entry;
}

Result<Range> SqliteKv::range(std::string_view prefix, const RangeOptions& options) {
  const std::lock_guard lock(mutex_);
  const std::string end = prefix_end(prefix);
  return in_transaction("BEGIN", [&]() -> Result<Range> {
    Range range;
    range.revision = TRY(read_head()).revision;
    Statement& statement = statements_->range;
    statement.reset();
    statement.bind(1, prefix);
    statement.bind(2, options.after);
    if (!end.empty()) statement.bind(3, end);
    // One more than asked for tells whether there are more; SQLite takes -1 for no limit.
    statement.bind(4, options.limit == 0 ? -1 : static_cast<int64_t>(options.limit) + 1);
    while (TRY(statement.step())) {
      if (options.limit != 0 && range.entries.size() == options.limit) {
        range.more = true;
        break;
      }
      range.entries.push_back(
          {statement.bytes(0), statement.bytes(1), static_cast<uint64_t>(statement.number(2))});
    }
    statement.reset();
    return range;
  });
}

Result<uint64_t> SqliteKv::apply(const Transaction& transaction) {
  for (const Compare& compare : transaction.compares) {
    Statement& statement = statements_->revision_of;
    statement.reset();
    statement.bind(1, compare.key);
    const uint64_t revision = TRY(statement.step()) ? static_cast<uint64_t>(statement.number(0)) : 0;
    statement.reset();
    if (revision != compare.revision) return fail(conflict_on(compare.key));
  }
  const uint64_t before = TRY(read_head()).revision;
  if (transaction.writes.empty()) return before;
  const uint64_t revision = before + 1;
  for (const Write& write : transaction.writes) {
    Statement& statement = statements_->put;
    statement.reset();
    statement.bind(1, write.key);
    if (write.value) statement.bind(2, *write.value);
    statement.bind(3, static_cast<int64_t>(revision));
    TRY(statement.step());
    statement.reset();
  }
  Statement& advance = statements_->advance;
  advance.reset();
  advance.bind(1, static_cast<int64_t>(revision));
  TRY(advance.step());
  advance.reset();
  if (revision % kForgetEvery == 0 || kept_revisions_ < kForgetEvery)
    TRY_VOID(forget_old_deletions(revision));
  return revision;
}

Result<> SqliteKv::forget_old_deletions(uint64_t revision) {
  if (revision <= kept_revisions_) return {};
  const auto limit = static_cast<int64_t>(revision - kept_revisions_);
  Statement& forget = statements_->forget;
  forget.reset();
  forget.bind(1, limit);
  TRY(forget.step());
  forget.reset();
  if (sqlite3_changes(database_.get()) == 0) return {};
  Statement& forgotten = statements_->forgotten;
  forgotten.reset();
  forgotten.bind(1, limit);
  TRY(forgotten.step());
  forgotten.reset();
  return {};
}

Result<uint64_t> SqliteKv::commit(const Transaction& transaction) {
  check_transaction(transaction);
  const std::lock_guard lock(mutex_);
  // IMMEDIATE: the write lock is taken before the compares are read, so that they still hold at the end.
  Result<uint64_t> revision = in_transaction("BEGIN IMMEDIATE", [&] { return apply(transaction); });
  if (revision && !transaction.writes.empty()) changed_.notify_all();
  return revision;
}

Result<Changes> SqliteKv::read_changes(std::string_view prefix, uint64_t revision) {
  const std::string end = prefix_end(prefix);
  return in_transaction("BEGIN", [&]() -> Result<Changes> {
    const Head head = TRY(read_head());
    if (revision < head.forgotten) return fail(history_forgotten());
    Changes answer{{}, head.revision};
    if (head.revision <= revision) return answer;
    Statement& statement = statements_->changes;
    statement.reset();
    statement.bind(1, static_cast<int64_t>(revision));
    statement.bind(2, prefix);
    if (!end.empty()) statement.bind(3, end);
    while (TRY(statement.step())) {
      Change change{statement.bytes(0), std::nullopt, static_cast<uint64_t>(statement.number(2))};
      if (!statement.is_null(1)) change.value = statement.bytes(1);
      answer.changes.push_back(std::move(change));
    }
    statement.reset();
    return answer;
  });
}

Result<Changes> SqliteKv::watch(std::string_view prefix, uint64_t revision, uint32_t timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  std::unique_lock lock(mutex_);
  while (true) {
    Changes answer = TRY(read_changes(prefix, revision));
    const auto now = std::chrono::steady_clock::now();
    if (!answer.changes.empty() || interrupted_ || now >= deadline) return answer;
    // Nothing under the prefix up to here: the next look may begin later.
    revision = std::max(revision, answer.revision);
    changed_.wait_until(lock, std::min(deadline, now + kPollInterval));
  }
}

void SqliteKv::interrupt_watches() {
  const std::lock_guard lock(mutex_);
  interrupted_ = true;
  changed_.notify_all();
}

}  // namespace cumulet::store
