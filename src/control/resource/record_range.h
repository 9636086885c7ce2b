// decode_range(): all records under a prefix of the store.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/kv/kv.h"

namespace cumulet::control {

// Returns the decoded values of the keys under `prefix`, by key; the first error of `decode` ends it.
template <typename Record, typename Decode>
[[nodiscard]] Result<std::vector<Record>> decode_range(store::Kv& kv, std::string_view prefix,
                                                       Decode decode) {
  const store::Range range = TRY(kv.range(prefix));
  std::vector<Record> records;
  records.reserve(range.entries.size());
  for (const store::Entry& entry : range.entries) records.push_back(TRY(decode(entry.value)));
  return records;
}

}  // namespace cumulet::control
