// What every implementation of Kv shares: the checks of a transaction, its errors, and the end of a prefix.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "store/kv/kv.h"

namespace cumulet::store {

// CHECKs what Kv::commit() requires of its caller.
void check_transaction(const Transaction& transaction);

// The kConflict error of a compare that does not hold.
[[nodiscard]] Error conflict_on(std::string_view key);

// The kFailedPrecondition error of a watch from a revision that is too old.
[[nodiscard]] Error history_forgotten();

// Returns the least string greater than every string that begins with `prefix`; empty if there is none.
[[nodiscard]] std::string prefix_end(std::string_view prefix);

}  // namespace cumulet::store
