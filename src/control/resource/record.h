// RecordReader: reads the fields of a stored JSON record; the first thing that is wrong becomes one error.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "control/resource/tag.h"

namespace cumulet::control {

// A missing or mistyped field reads as empty or zero and is remembered; finish() tells. Not thread-safe.
class RecordReader {
 public:
  // `what` names the record in errors, e.g. its key.
  RecordReader(std::string_view json, std::string what);

  [[nodiscard]] std::string string(std::string_view name);
  [[nodiscard]] int64_t number(std::string_view name);
  [[nodiscard]] bool boolean(std::string_view name);
  [[nodiscard]] Tags tags(std::string_view name);
  [[nodiscard]] std::vector<std::string> strings(std::string_view name);
  // An inner object; its problems count as this record's.
  [[nodiscard]] RecordReader object(std::string_view name);

  // Remembers that a field's value makes no sense.
  void reject(std::string_view name);

  // kCorrupt if anything was wrong, naming the record and the field.
  [[nodiscard]] Result<> finish() const;

 private:
  struct Problem {
    std::string what;
    std::string text;
  };
  RecordReader(boost::json::object fields, std::shared_ptr<Problem> problem)
      : fields_(std::move(fields)), problem_(std::move(problem)) {}
  [[nodiscard]] const boost::json::value* find(std::string_view name);

  boost::json::object fields_;
  std::shared_ptr<Problem> problem_;
};

// Returns the tags as a JSON object.
[[nodiscard]] boost::json::object tags_to_json(const Tags& tags);

}  // namespace cumulet::control
