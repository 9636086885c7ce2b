// Decoder: turns a form's tree into the generated request structures, refusing whatever they do not describe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/shape/form.h"
#include "api/shape/shape_error.h"
#include "api/shape/timestamp.h"

namespace cumulet::api {

class Decoder;

// One parameter of a structure: its name in the form, and how it is read into `Struct`.
template <typename Struct>
struct Parameter {
  std::string_view name;
  bool required;
  bool (*read)(Decoder& decoder, const FormNode& node, Struct& out);
};

// Reads stop at the first error: every function returns false from then on, and error() tells what it was.
// The generated decode(Decoder&, const FormNode&, Struct&) functions are its clients. Not thread-safe.
class Decoder {
 public:
  // Names that belong to the request as a whole, not to the action ("Action", "Version", signature
  // parameters).
  explicit Decoder(std::span<const std::string_view> ignored) : ignored_(ignored) {}

  [[nodiscard]] const std::optional<ShapeError>& error() const { return error_; }

  template <typename Struct, size_t Count>
  bool structure(const FormNode& node, const Parameter<Struct> (&parameters)[Count], Struct& out);
  bool no_members(const FormNode& node);

  bool read(const FormNode& node, std::optional<std::string>& out);
  bool read(const FormNode& node, std::optional<std::string>& out, std::span<const std::string_view> values);
  bool read(const FormNode& node, std::optional<int64_t>& out);
  bool read(const FormNode& node, std::optional<bool>& out);
  bool read(const FormNode& node, std::optional<double>& out);
  bool read(const FormNode& node, std::optional<Timestamp>& out);
  // The model's "integer": 32 bits.
  bool read_int32(const FormNode& node, std::optional<int64_t>& out);
  // The model's "blob": the bytes that base64 text stands for.
  bool read_base64(const FormNode& node, std::optional<std::string>& out);

  // A structure.
  template <typename Struct>
  bool read(const FormNode& node, std::optional<Struct>& out) {
    if (node.has_value) return fail_value(node.value);
    return decode(*this, node, out.emplace());
  }

  // A list: children "1", "2", ... in numeric order (gaps are allowed, as AWS does). `extra` is an
  // enumeration.
  template <typename Item, typename... Extra>
  bool read(const FormNode& node, std::optional<std::vector<Item>>& out, Extra... extra);

 private:
  bool fail(ShapeError::Kind kind, std::string message);
  bool fail_value(std::string_view value);
  bool fail_unknown(std::string_view name);
  bool fail_missing(std::string_view name);
  // The children of a list in index order; nothing, with the error set, if a name is no index.
  std::optional<std::vector<const FormNode*>> list_items(const FormNode& node,
                                                         std::vector<std::string_view>& names);
  // True if the node holds one value and nothing else.
  bool scalar(const FormNode& node);
  [[nodiscard]] bool is_ignored(std::string_view name) const;
  [[nodiscard]] std::string path() const;

  std::span<const std::string_view> ignored_;
  std::vector<std::string_view> path_;
  std::optional<ShapeError> error_;
};

template <typename Struct, size_t Count>
bool Decoder::structure(const FormNode& node, const Parameter<Struct> (&parameters)[Count], Struct& out) {
  for (const auto& [name, child] : node.children) {
    const Parameter<Struct>* found = nullptr;
    for (const Parameter<Struct>& parameter : parameters) {
      if (parameter.name == name) found = &parameter;
    }
    if (found == nullptr) {
      if (path_.empty() && is_ignored(name)) continue;
      return fail_unknown(name);
    }
    path_.push_back(found->name);
    if (!found->read(*this, child, out)) return false;
    path_.pop_back();
  }
  for (const Parameter<Struct>& parameter : parameters) {
    if (parameter.required && node.children.find(parameter.name) == node.children.end()) {
      return fail_missing(parameter.name);
    }
  }
  return true;
}

template <typename Item, typename... Extra>
bool Decoder::read(const FormNode& node, std::optional<std::vector<Item>>& out, Extra... extra) {
  std::vector<std::string_view> names;
  auto items = list_items(node, names);
  if (!items) return false;
  std::vector<Item>& list = out.emplace();
  for (size_t i = 0; i < items->size(); ++i) {
    std::optional<Item> item;
    path_.push_back(names[i]);
    if (!read(*(*items)[i], item, extra...)) return false;
    path_.pop_back();
    list.push_back(std::move(*item));
  }
  return true;
}

}  // namespace cumulet::api
