// Parsing of one JSON object, with errors that name the field.
#include "node/protocol/json_fields.h"

namespace cumulet::node {

Result<JsonFields> JsonFields::parse(std::string_view json, std::string what) {
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(json, error);
  if (error) return fail(ErrorCode::kInvalidArgument, "the " + what + " is not JSON", error.message());
  if (!value.is_object()) return fail(ErrorCode::kInvalidArgument, "the " + what + " is not a JSON object");
  return JsonFields(std::move(value.get_object()), std::move(what));
}

const boost::json::value* JsonFields::find(std::string_view name) {
  known_.emplace(name);
  return object_.if_contains(name);
}

tl::unexpected<Error> JsonFields::bad(std::string_view name, std::string_view problem) const {
  return fail(ErrorCode::kInvalidArgument,
              "field '" + std::string(name) + "' of the " + what_ + " " + std::string(problem));
}

Result<std::string> JsonFields::string(std::string_view name) {
  if (find(name) == nullptr) return bad(name, "is missing");
  return string_or(name, "");
}

Result<std::string> JsonFields::string_or(std::string_view name, std::string_view otherwise) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return std::string(otherwise);
  if (!value->is_string()) return bad(name, "must be a string");
  return std::string(value->get_string());
}

Result<uint64_t> JsonFields::number(std::string_view name, uint64_t minimum, uint64_t maximum) {
  if (find(name) == nullptr) return bad(name, "is missing");
  uint64_t value = TRY(number_or(name, 0));
  if (value < minimum || value > maximum)
    return bad(name, "must be from " + std::to_string(minimum) + " to " + std::to_string(maximum));
  return value;
}

Result<uint64_t> JsonFields::number_or(std::string_view name, uint64_t otherwise) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return otherwise;
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64() && value->get_int64() >= 0) return static_cast<uint64_t>(value->get_int64());
  return bad(name, "must be a whole number, zero or more");
}

Result<bool> JsonFields::boolean_or(std::string_view name, bool otherwise) {
  const boost::json::value* value = find(name);
  if (value == nullptr) return otherwise;
  if (!value->is_bool()) return bad(name, "must be true or false");
  return value->get_bool();
}

Result<void> JsonFields::expect_no_others() const {
  for (const auto& field : object_) {
    if (!known_.contains(field.key())) return bad(field.key(), "is unknown");
  }
  return {};
}

}  // namespace cumulet::node
