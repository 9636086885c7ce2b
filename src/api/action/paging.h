// Paging: MaxResults and NextToken, the same way for every Describe call that has them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/action/context.h"
#include "api/action/outcome.h"

namespace cumulet::api {

// What one call asks for. `action` binds a token to the call that made it.
struct PageRequest {
  std::string_view action;
  const std::optional<int64_t>& max_results;
  const std::optional<std::string>& next_token;
  int64_t smallest = 5;  // values that the action allows for MaxResults
  int64_t largest = 1000;
};

struct PageBounds {
  std::optional<size_t> limit;  // none: everything
  std::string after;            // only items whose key is greater
};

// Checks MaxResults and NextToken. Errors: InvalidParameterValue, InvalidNextToken (forged, damaged, or of
// another action or key).
Outcome<PageBounds> read_page_request(const ActionContext& context, const PageRequest& request);

// Returns an opaque token that stands for "after the item with this key".
std::string make_next_token(const ActionContext& context, std::string_view action, std::string_view key);

// MaxResults together with a list of ids makes no sense to AWS. `ids_name` is the parameter, e.g.
// "instancesSet".
Outcome<void> refuse_ids_with_max_results(bool has_ids, const std::optional<int64_t>& max_results,
                                          std::string_view ids_name);

// Cuts `sorted` (by `key`, ascending, keys distinct) to the wanted page; returns the next token, if more
// follow.
template <typename Item, typename Key>
Outcome<std::optional<std::string>> take_page(const ActionContext& context, const PageRequest& request,
                                              Key key, std::vector<Item>& sorted) {
  PageBounds bounds = TRY(read_page_request(context, request));
  auto first =
      std::find_if(sorted.begin(), sorted.end(), [&](const Item& item) { return key(item) > bounds.after; });
  sorted.erase(sorted.begin(), first);
  if (!bounds.limit || sorted.size() <= *bounds.limit) return std::nullopt;
  sorted.erase(sorted.begin() + static_cast<ptrdiff_t>(*bounds.limit), sorted.end());
  return make_next_token(context, request.action, key(sorted.back()));
}

}  // namespace cumulet::api
