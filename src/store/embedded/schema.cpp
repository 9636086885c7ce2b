// Opening the SQLite file of the store.
#include "store/embedded/schema.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>

#include "base/unique_fd.h"

namespace cumulet::store {

namespace {

constexpr int kApplicationId =
    0x43756d75;  // "Cumu", in the file's header: tells our files from other databases
constexpr int kSchemaVersion = 1;
constexpr int kBusyTimeoutMs = 10'000;

// Values and keys are blobs: compared byte by byte. A row without value is a deletion that watchers must see.
constexpr const char* kSchema = R"(
CREATE TABLE entry (key BLOB NOT NULL PRIMARY KEY, value BLOB, revision INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX entry_by_revision ON entry (revision);
CREATE INDEX deletion ON entry (revision) WHERE value IS NULL;
CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, forgotten INTEGER NOT NULL);
INSERT INTO head VALUES (1, 0, 0);
)";

Result<int64_t> read_pragma(sqlite3* database, std::string_view sql) {
  Statement statement = TRY(Statement::prepare(database, sql));
  if (!TRY(statement.step()))
    return fail(ErrorCode::kCorrupt, "the store's file is damaged", std::string(sql));
  return statement.number(0);
}

// Two processes may do this at once: the write lock is taken before looking.
Result<> make_schema(sqlite3* database, const std::string& path) {
  TRY_VOID(execute(database, "BEGIN IMMEDIATE"));
  const int64_t version = TRY(read_pragma(database, "PRAGMA user_version"));
  const int64_t application = TRY(read_pragma(database, "PRAGMA application_id"));
  const int64_t tables = TRY(read_pragma(database, "SELECT count(*) FROM sqlite_schema"));
  if (tables != 0 && application != kApplicationId)
    return fail(ErrorCode::kCorrupt, path + " is a database, but not a Cumulet store");
  if (version > kSchemaVersion)
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} was written by a newer Cumulet (schema {}, this one knows {})", path, version,
                            kSchemaVersion));
  if (tables == 0) {
    TRY_VOID(execute(database, kSchema));
    TRY_VOID(execute(database, fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}",
                                           kApplicationId, kSchemaVersion)
                                   .c_str()));
  }
  return execute(database, "COMMIT");
}

Result<> check_integrity(sqlite3* database, const std::string& path) {
  Statement statement = TRY(Statement::prepare(database, "PRAGMA quick_check(1)"));
  if (TRY(statement.step()) && statement.bytes(0) == "ok") return {};
  return fail(ErrorCode::kCorrupt, "the store's file " + path + " is damaged", statement.bytes(0));
}

// SQLite would create the file with the umask's permissions; it holds what only its owner may read. A file
// that is there already must not be opened and closed: that would drop the locks of this process's other
// connections (fcntl_locking(2), sqlite.org/howtocorrupt.html).
Result<> create_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.valid() || errno == EEXIST) return {};
  return fail(errno_error("make the store " + path, errno));
}

}  // namespace

Result<Database> open_database(const std::string& path) {
  TRY_VOID(create_file(path));
  sqlite3* handle = nullptr;
  const int status =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(handle);
  if (status != SQLITE_OK) return fail(sqlite_error(handle, status));
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);

  const auto set_up = [&]() -> Result<> {
    TRY_VOID(execute(handle, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"));
    TRY_VOID(make_schema(handle, path));
    return check_integrity(handle, path);
  };
  if (Result<> done = set_up(); !done) {
    Error error = done.error();
    if (error.code == ErrorCode::kCorrupt && error.message.find(path) == std::string::npos)
      error.message = "the store's file " + path + " is damaged, or no store at all";
    return fail(error);
  }
  return database;
}

}  // namespace cumulet::store
