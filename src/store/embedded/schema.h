// The SQLite file's schema, its version, and how a connection is set up (docs/formats/store.md).
#pragma once

#include <string>

#include "base/result.h"
#include "store/embedded/statement.h"

namespace cumulet::store {

// Opens the file, sets the connection up, and makes the schema if the file is new. Errors as
// SqliteKv::open().
[[nodiscard]] Result<Database> open_database(const std::string& path);

}  // namespace cumulet::store
