// SqliteKv: Kv in one SQLite file (docs/formats/store.md), durable, shared by processes of one machine.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "store/embedded/statement.h"
#include "store/kv/kv.h"

namespace cumulet::store {

// Problem: a daemon that may be killed at any instruction must never lose what it confirmed. SQLite in WAL
// mode with synchronous=FULL flushes each transaction to the disk before commit() returns. One connection
// under one mutex: transactions are small. Other processes may open the same file; their writes are noticed
// by watch() within kPollInterval.
class SqliteKv final : public Kv {
 public:
  // Opens the file, or creates it (readable by its owner only). kCorrupt if it is no store or damaged,
  // kUnsupported if a newer program wrote it, kIo if it cannot be opened.
  [[nodiscard]] static Result<std::unique_ptr<SqliteKv>> open(const std::string& path,
                                                              uint64_t kept_revisions = 100'000);

  [[nodiscard]] Result<std::optional<Entry>> get(std::string_view key) override;
  [[nodiscard]] Result<Range> range(std::string_view prefix, const RangeOptions& options = {}) override;
  [[nodiscard]] Result<uint64_t> commit(const Transaction& transaction) override;
  [[nodiscard]] Result<Changes> watch(std::string_view prefix, uint64_t revision,
                                      uint32_t timeout_ms) override;
  void interrupt_watches() override;

 private:
  struct Statements;
  struct Head {
    uint64_t revision = 0;
    uint64_t forgotten = 0;  // deletions up to this revision are not remembered
  };
  SqliteKv(Database database, std::unique_ptr<Statements> statements, uint64_t kept_revisions);

  // All of these need mutex_.
  [[nodiscard]] Result<Head> read_head();
  [[nodiscard]] Result<uint64_t> apply(const Transaction& transaction);
  [[nodiscard]] Result<> forget_old_deletions(uint64_t revision);
  [[nodiscard]] Result<Changes> read_changes(std::string_view prefix, uint64_t revision);
  // Runs `body` between BEGIN and COMMIT; rolls back if it fails.
  template <typename Body>
  [[nodiscard]] auto in_transaction(const char* begin, Body body) -> decltype(body());

  const uint64_t kept_revisions_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Database database_;
  std::unique_ptr<Statements> statements_;  // goes before the database
  bool interrupted_ = false;

 public:
  ~SqliteKv() override;
};

}  // namespace cumulet::store
