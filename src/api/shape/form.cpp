// Form decoding: strict, bounded, and never trusting a byte.
#include "api/shape/form.h"

#include <algorithm>
#include <cstdint>

#include "api/shape/utf8.h"

namespace cumulet::api {

namespace {

tl::unexpected<ShapeError> malformed(std::string message) {
  return tl::unexpected(ShapeError{ShapeError::Kind::kMalformed, std::move(message)});
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

const std::string* FormNode::find(std::string_view name) const {
  auto child = children.find(name);
  return child != children.end() && child->second.has_value ? &child->second.value : nullptr;
}

tl::expected<std::string, ShapeError> decode_form_text(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return malformed("The query string contains a malformed escape sequence.");
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  if (!is_xml_text(decoded)) {
    return malformed("The query string contains bytes that are not valid UTF-8 text.");
  }
  return decoded;
}

tl::expected<void, ShapeError> parse_form(std::string_view text, FormParameters& out) {
  while (!text.empty()) {
    size_t end = text.find('&');
    std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (pair.empty()) continue;  // clients may send "&&" or a trailing '&'
    if (out.size() >= kMaxFormParameters) return malformed("The request has too many parameters.");
    size_t equals = pair.find('=');
    auto name = decode_form_text(pair.substr(0, equals));
    if (!name) return tl::unexpected(std::move(name).error());
    std::string_view raw = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    auto value = decode_form_text(raw);
    if (!value) return tl::unexpected(std::move(value).error());
    out.emplace_back(std::move(*name), std::move(*value));
  }
  return {};
}

tl::expected<FormNode, ShapeError> build_form_tree(const FormParameters& parameters) {
  FormNode root;
  for (const auto& [name, value] : parameters) {
    if (name.empty() || name.size() > kMaxFormNameLength) {
      return malformed("A parameter name is empty or too long.");
    }
    FormNode* node = &root;
    std::string_view rest = name;
    for (size_t depth = 0;; ++depth) {
      if (depth == kMaxFormDepth) return malformed("The parameter " + name + " is nested too deeply.");
      size_t dot = rest.find('.');
      std::string_view part = rest.substr(0, dot);
      if (part.empty()) return malformed("The parameter name " + name + " is malformed.");
      auto child = node->children.find(part);
      if (child == node->children.end()) child = node->children.emplace(std::string(part), FormNode{}).first;
      node = &child->second;
      if (dot == std::string_view::npos) break;
      rest.remove_prefix(dot + 1);
    }
    if (node->has_value) return malformed("The parameter " + name + " is given more than once.");
    node->has_value = true;
    node->value = value;
  }
  return root;
}

}  // namespace cumulet::api
