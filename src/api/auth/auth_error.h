// AuthError: why a request is not believed to come from whom it says.
#pragma once

#include <string>

namespace cumulet::api {

struct AuthError {
  enum class Kind {
    kMissingToken,  // the request is not signed
    kIncomplete,    // the signature is malformed or lacks a part
    kUnknownKey,    // no such access key
    kSessionToken,  // a temporary credential, none of which exist here
    kWrongScope,    // signed for another region or service
    kExpired,       // signed too long ago, or in the future
    kMismatch,      // the signature is not that of this request
  };
  Kind kind;
  std::string message;  // for the caller's eyes; never tells what the right signature would be
};

}  // namespace cumulet::api
