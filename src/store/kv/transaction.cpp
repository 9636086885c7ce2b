// Checks, errors and prefix arithmetic of Kv implementations.
#include "store/kv/transaction.h"

#include <set>

#include "base/check.h"

namespace cumulet::store {

void check_transaction(const Transaction& transaction) {
  std::set<std::string_view> written;
  for (const Compare& compare : transaction.compares) CHECK(!compare.key.empty());
  for (const Write& write : transaction.writes) {
    CHECK(!write.key.empty());
    CHECK(written.insert(write.key).second);
  }
}

Error conflict_on(std::string_view key) {
  return {ErrorCode::kConflict, "the resource was changed at the same time; try again", std::string(key)};
}

Error history_forgotten() {
  return {ErrorCode::kFailedPrecondition, "the store no longer knows the deletions since then"};
}

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty()) {
    const auto last = static_cast<unsigned char>(end.back());
    if (last != 0xff) {
      end.back() = static_cast<char>(last + 1);
      return end;
    }
    end.pop_back();
  }
  return end;
}

}  // namespace cumulet::store
