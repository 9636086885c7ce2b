// Reading of stored JSON records.
#include "control/resource/record.h"

namespace cumulet::control {

namespace json = boost::json;

RecordReader::RecordReader(std::string_view text, std::string what)
    : problem_(std::make_shared<Problem>(Problem{std::move(what), {}})) {
  json::error_code error;
  const json::value parsed = json::parse(text, error);
  if (error)
    problem_->text = error.message();
  else if (!parsed.is_object())
    problem_->text = "not an object";
  else
    fields_ = parsed.get_object();
}

const json::value* RecordReader::find(std::string_view name) {
  const json::value* value = fields_.if_contains(name);
  if (value == nullptr) reject(name);
  return value;
}

void RecordReader::reject(std::string_view name) {
  if (problem_->text.empty()) problem_->text = "field " + std::string(name);
}

std::string RecordReader::string(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return {};
  if (value->is_string()) return std::string(value->get_string());
  reject(name);
  return {};
}

int64_t RecordReader::number(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return 0;
  if (value->is_int64()) return value->get_int64();
  reject(name);
  return 0;
}

bool RecordReader::boolean(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return false;
  if (value->is_bool()) return value->get_bool();
  reject(name);
  return false;
}

Tags RecordReader::tags(std::string_view name) {
  Tags tags;
  const json::value* value = find(name);
  if (value == nullptr) return tags;
  if (!value->is_object()) {
    reject(name);
    return tags;
  }
  for (const auto& [key, text] : value->get_object()) {
    if (text.is_string())
      tags.emplace(key, text.get_string());
    else
      reject(name);
  }
  return tags;
}

std::vector<std::string> RecordReader::strings(std::string_view name) {
  std::vector<std::string> list;
  const json::value* value = find(name);
  if (value == nullptr) return list;
  if (!value->is_array()) {
    reject(name);
    return list;
  }
  for (const json::value& item : value->get_array()) {
    if (item.is_string())
      list.emplace_back(item.get_string());
    else
      reject(name);
  }
  return list;
}

RecordReader RecordReader::object(std::string_view name) {
  const json::value* value = find(name);
  if (value != nullptr && value->is_object()) return {value->get_object(), problem_};
  reject(name);
  return {json::object(), problem_};
}

Result<> RecordReader::finish() const {
  if (problem_->text.empty()) return {};
  return fail(ErrorCode::kCorrupt, "a record of the store is damaged",
              problem_->what + ": " + problem_->text);
}

json::object tags_to_json(const Tags& tags) {
  json::object object;
  for (const auto& [key, value] : tags) object.emplace(key, value);
  return object;
}

}  // namespace cumulet::control
