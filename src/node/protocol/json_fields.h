// JsonFields: typed, bounded access to the fields of one JSON object that somebody else wrote.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cumulet::node {

// Every error is kInvalidArgument and names `what` the object is and the field. Fields that were asked for
// are remembered, so that expect_no_others() can refuse misspelt ones.
class JsonFields {
 public:
  static Result<JsonFields> parse(std::string_view json, std::string what);

  [[nodiscard]] Result<std::string> string(std::string_view name);
  [[nodiscard]] Result<std::string> string_or(std::string_view name, std::string_view otherwise);
  [[nodiscard]] Result<uint64_t> number(std::string_view name, uint64_t minimum, uint64_t maximum);
  [[nodiscard]] Result<uint64_t> number_or(std::string_view name, uint64_t otherwise);
  [[nodiscard]] Result<bool> boolean_or(std::string_view name, bool otherwise);
  [[nodiscard]] bool has(std::string_view name) const { return object_.contains(name); }
  [[nodiscard]] Result<void> expect_no_others() const;

 private:
  JsonFields(boost::json::object object, std::string what)
      : object_(std::move(object)), what_(std::move(what)) {}
  [[nodiscard]] const boost::json::value* find(std::string_view name);
  [[nodiscard]] tl::unexpected<Error> bad(std::string_view name, std::string_view problem) const;

  boost::json::object object_;
  std::string what_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace cumulet::node
