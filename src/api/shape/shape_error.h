// ShapeError: what is wrong with the parameters of a request, before any action looks at them.
#pragma once

#include <string>

namespace cumulet::api {

struct ShapeError {
  enum class Kind {
    kMalformed,         // not a form at all: bad escapes, bad UTF-8, the same name twice
    kUnknownParameter,  // the action has no such parameter
    kMissingParameter,  // a required parameter is absent
    kInvalidValue,      // a value of the wrong type or outside its enumeration
  };
  Kind kind;
  std::string message;  // for the caller's eyes
};

}  // namespace cumulet::api
