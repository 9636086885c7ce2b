// Scalars, list indices and error texts of the form decoder.
#include "api/shape/decoder.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "api/shape/base64.h"

namespace cumulet::api {

namespace {

// Reads the whole of `text` as a number.
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size() || text.empty()) return {};
  return value;
}

}  // namespace

bool Decoder::no_members(const FormNode& node) {
  for (const auto& [name, child] : node.children) {
    if (!path_.empty() || !is_ignored(name)) return fail_unknown(name);
  }
  return true;
}

bool Decoder::read(const FormNode& node, std::optional<std::string>& out) {
  if (!scalar(node)) return false;
  out = node.value;
  return true;
}

bool Decoder::read(const FormNode& node, std::optional<std::string>& out,
                   std::span<const std::string_view> values) {
  if (!read(node, out)) return false;
  return std::find(values.begin(), values.end(), *out) != values.end() || fail_value(*out);
}

bool Decoder::read(const FormNode& node, std::optional<int64_t>& out) {
  if (!scalar(node)) return false;
  out = parse_number<int64_t>(node.value);
  return out || fail_value(node.value);
}

bool Decoder::read_int32(const FormNode& node, std::optional<int64_t>& out) {
  if (!read(node, out)) return false;
  bool fits = *out >= std::numeric_limits<int32_t>::min() && *out <= std::numeric_limits<int32_t>::max();
  return fits || fail_value(node.value);
}

bool Decoder::read(const FormNode& node, std::optional<bool>& out) {
  if (!scalar(node)) return false;
  if (node.value == "true" || node.value == "True" || node.value == "1") {
    out = true;
  } else if (node.value == "false" || node.value == "False" || node.value == "0") {
    out = false;
  } else {
    return fail_value(node.value);
  }
  return true;
}

bool Decoder::read(const FormNode& node, std::optional<double>& out) {
  if (!scalar(node)) return false;
  out = parse_number<double>(node.value);
  return out || fail_value(node.value);
}

bool Decoder::read(const FormNode& node, std::optional<Timestamp>& out) {
  if (!scalar(node)) return false;
  out = parse_timestamp(node.value);
  return out || fail_value(node.value);
}

bool Decoder::read_base64(const FormNode& node, std::optional<std::string>& out) {
  if (!scalar(node)) return false;
  out = base64_decode(node.value);
  return out || fail_value(node.value);
}

bool Decoder::fail(ShapeError::Kind kind, std::string message) {
  if (!error_) error_ = ShapeError{kind, std::move(message)};
  return false;
}

bool Decoder::fail_value(std::string_view value) {
  constexpr size_t kShown = 128;  // a user data blob in an error message helps nobody
  std::string shown(value.substr(0, kShown));
  while (value.size() > kShown && !shown.empty() && (static_cast<uint8_t>(shown.back()) & 0xc0) == 0x80) {
    shown.pop_back();  // never cut inside a UTF-8 sequence
  }
  if (value.size() > kShown && !shown.empty() && static_cast<uint8_t>(shown.back()) >= 0xc0) shown.pop_back();
  return fail(ShapeError::Kind::kInvalidValue, "Invalid value '" + shown + "' for " + path() + ".");
}

bool Decoder::fail_unknown(std::string_view name) {
  path_.push_back(name);
  return fail(ShapeError::Kind::kUnknownParameter, "The parameter " + path() + " is not recognized");
}

bool Decoder::fail_missing(std::string_view name) {
  path_.push_back(name);
  return fail(ShapeError::Kind::kMissingParameter, "The request must contain the parameter " + path());
}

std::optional<std::vector<const FormNode*>> Decoder::list_items(const FormNode& node,
                                                                std::vector<std::string_view>& names) {
  if (node.has_value) {
    fail_value(node.value);
    return {};
  }
  std::map<uint32_t, std::pair<std::string_view, const FormNode*>> ordered;
  for (const auto& [name, child] : node.children) {
    auto index = parse_number<uint32_t>(name);
    bool canonical = index && *index >= 1 && name == std::to_string(*index);
    if (!canonical) {
      fail_unknown(name);
      return {};
    }
    ordered[*index] = {name, &child};
  }
  std::vector<const FormNode*> items;
  for (const auto& [index, item] : ordered) {
    names.push_back(item.first);
    items.push_back(item.second);
  }
  return items;
}

bool Decoder::scalar(const FormNode& node) {
  if (!node.children.empty()) return fail_unknown(node.children.begin()->first);
  return node.has_value || fail_value("");
}

bool Decoder::is_ignored(std::string_view name) const {
  return std::find(ignored_.begin(), ignored_.end(), name) != ignored_.end();
}

std::string Decoder::path() const {
  std::string text;
  for (std::string_view part : path_) {
    if (!text.empty()) text += '.';
    text += part;
  }
  return text;
}

}  // namespace cumulet::api
