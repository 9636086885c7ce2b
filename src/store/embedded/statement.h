// Statement: a prepared SQLite statement, its parameters and its rows, with SQLite's errors as ours.
#pragma once

#include <cstdint>
#include <memory>
#include <sqlite3.h>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cumulet::store {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

// Turns the database's last failure into an error: kUnavailable if another process holds its lock too long,
// kCorrupt if the file is no such database or damaged, kResourceExhausted if the disk is full, else kIo.
[[nodiscard]] Error sqlite_error(sqlite3* database, int status);

// Runs SQL that has neither parameters nor rows.
[[nodiscard]] Result<> execute(sqlite3* database, const char* sql);

// Not thread-safe; lives shorter than its database.
class Statement {
 public:
  // Prepares one SQL statement; parameters are numbered from 1.
  static Result<Statement> prepare(sqlite3* database, std::string_view sql);

  // Make the statement ready for its next run, then bind.
  void reset();
  void bind(int parameter, std::string_view bytes);  // the bytes must live until the run ends
  void bind(int parameter, int64_t number);
  void bind_null(int parameter);

  // Goes to the next row; false when there is none (left).
  [[nodiscard]] Result<bool> step();

  // Columns of the current row, numbered from 0.
  [[nodiscard]] std::string bytes(int column) const;
  [[nodiscard]] int64_t number(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  [[nodiscard]] bool is_null(int column) const {
    return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
  }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}

  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

}  // namespace cumulet::store
