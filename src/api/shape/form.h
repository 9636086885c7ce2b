// Forms: application/x-www-form-urlencoded parameters, flat as sent and as the tree that their dots describe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "api/shape/shape_error.h"

namespace cumulet::api {

// Bounds on what one request may hold; far above any legal request (1,000 ids, 1,000 resources with 50 tags).
inline constexpr size_t kMaxFormParameters = 20'000;
inline constexpr size_t kMaxFormNameLength = 256;
inline constexpr size_t kMaxFormDepth = 12;

using FormParameters = std::vector<std::pair<std::string, std::string>>;

// One node of the tree: "Filter.1.Name=x" puts "x" into children["Filter"].children["1"].children["Name"].
struct FormNode {
  bool has_value = false;
  std::string value;
  std::map<std::string, FormNode, std::less<>> children;

  // Returns the child's value, or null when there is no such child or it has no value.
  [[nodiscard]] const std::string* find(std::string_view name) const;
};

// Decodes %XX and '+' (space). Returns kMalformed for a bad escape, text that is not UTF-8, or a control
// character other than tab and newlines (no XML response could carry it back).
tl::expected<std::string, ShapeError> decode_form_text(std::string_view text);

// Splits "a=1&b=2" and decodes names and values; appends to `out`.
tl::expected<void, ShapeError> parse_form(std::string_view text, FormParameters& out);

// Arranges parameters as a tree. Returns kMalformed for an empty or too long name, or one given twice.
tl::expected<FormNode, ShapeError> build_form_tree(const FormParameters& parameters);

}  // namespace cumulet::api
