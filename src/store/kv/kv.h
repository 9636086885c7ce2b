// Kv: the contract of the store that holds all desired and observed state: ordered keys, transactions, watch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cumulet::store {

// A key with its value, and the revision of the transaction that last wrote it.
struct Entry {
  std::string key;
  std::string value;
  uint64_t revision = 0;
};

// A condition of a transaction: the key was last written at `revision`, or does not exist if that is 0.
struct Compare {
  std::string key;
  uint64_t revision = 0;
};

// An effect of a transaction: the key gets this value, or is deleted if there is none.
struct Write {
  std::string key;
  std::optional<std::string> value;
};

// All writes happen, or none; a key may be written once.
struct Transaction {
  std::vector<Compare> compares;
  std::vector<Write> writes;
};

// One consistent snapshot of the keys under a prefix, in byte order.
struct Range {
  std::vector<Entry> entries;
  uint64_t revision = 0;  // of the snapshot: watch from here to miss nothing
  bool more = false;      // the limit cut it short; continue after the last key
};

struct RangeOptions {
  std::string after = {};  // only keys greater than this one; empty means from the first
  size_t limit = 0;        // at most so many entries; 0 means all
};

// The latest state of a key that changed. Several writes of one key between two looks are one change.
struct Change {
  std::string key;
  std::optional<std::string> value;  // none: deleted
  uint64_t revision = 0;
};

struct Changes {
  std::vector<Change> changes;  // by revision, then by key
  uint64_t revision = 0;        // watch from here next
};

// Every committed transaction raises the store's revision by one; revision 0 is the empty store. A commit
// that returned success survives the crash of the process and of the machine. All methods are thread-safe.
// Common errors: kIo or kUnavailable when the store cannot be read or written, kCorrupt when it holds
// nonsense.
class Kv {
 public:
  virtual ~Kv() = default;

  // Returns the entry, or none if the key does not exist.
  [[nodiscard]] virtual Result<std::optional<Entry>> get(std::string_view key) = 0;

  // Returns the entries whose keys begin with `prefix`.
  [[nodiscard]] virtual Result<Range> range(std::string_view prefix, const RangeOptions& options = {}) = 0;

  // Applies the writes if every compare holds, and returns the new revision; kConflict, and nothing written,
  // if one does not. Any other error leaves open whether the transaction was applied. A transaction without
  // writes only checks: it returns the current revision. Keys must be non-empty and written once (our bug
  // otherwise).
  [[nodiscard]] virtual Result<uint64_t> commit(const Transaction& transaction) = 0;

  // Returns what changed under `prefix` after `revision`. Waits up to `timeout_ms` for a first change; none
  // may come, then the answer is empty. kFailedPrecondition if deletions that old are forgotten: read the
  // range again.
  [[nodiscard]] virtual Result<Changes> watch(std::string_view prefix, uint64_t revision,
                                              uint32_t timeout_ms) = 0;

  // Makes every watch return at once with what there is, from now on: for shutting down.
  virtual void interrupt_watches() = 0;
};

}  // namespace cumulet::store
