// Prepared SQLite statements.
#include "store/embedded/statement.h"

#include "base/check.h"

namespace cumulet::store {

Error sqlite_error(sqlite3* database, int status) {
  const std::string context = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(status);
  switch (status & 0xff) {  // the low byte is the primary code: sqlite.org/rescode.html
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {ErrorCode::kUnavailable, "the store is locked by another process", context};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return {ErrorCode::kCorrupt, "the store's file is damaged", context};
    case SQLITE_FULL: return {ErrorCode::kResourceExhausted, "the disk of the store is full", context};
    default: return {ErrorCode::kIo, "cannot access the store", context};
  }
}

Result<> execute(sqlite3* database, const char* sql) {
  const int status = sqlite3_exec(database, sql, nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) return fail(sqlite_error(database, status));
  return {};
}

Result<Statement> Statement::prepare(sqlite3* database, std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const int status = sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (status != SQLITE_OK) return fail(sqlite_error(database, status));
  return Statement(handle);
}

void Statement::reset() {
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
}

void Statement::bind(int parameter, std::string_view bytes) {
  // SQLite takes a null pointer for NULL, so an empty view needs an address.
  const char* data = bytes.empty() ? "" : bytes.data();
  CHECK(sqlite3_bind_blob64(handle_.get(), parameter, data, bytes.size(), SQLITE_STATIC) == SQLITE_OK);
}

void Statement::bind(int parameter, int64_t number) {
  CHECK(sqlite3_bind_int64(handle_.get(), parameter, number) == SQLITE_OK);
}

void Statement::bind_null(int parameter) { CHECK(sqlite3_bind_null(handle_.get(), parameter) == SQLITE_OK); }

Result<bool> Statement::step() {
  const int status = sqlite3_step(handle_.get());
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) return false;
  return fail(sqlite_error(sqlite3_db_handle(handle_.get()), status));
}

std::string Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(handle_.get(), column);
  const int size = sqlite3_column_bytes(handle_.get(), column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<size_t>(size)};
}

}  // namespace cumulet::store
