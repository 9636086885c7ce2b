// Error: what an operational failure carries, and the closed set of codes it may have.
#pragma once

#include <string>
#include <string_view>

namespace cumulet {

// The whole vocabulary of operational failures. Layers below the API know only these; they become EC2 error
// codes in exactly one place (api/action), as the last step.
enum class ErrorCode {
  kInvalidArgument,     // the caller asked for something malformed; asking again cannot help
  kNotFound,            // the named thing does not exist
  kAlreadyExists,       // the named thing exists already
  kConflict,            // a concurrent change won; read again and retry
  kFailedPrecondition,  // the thing exists but is in the wrong state for this
  kPermissionDenied,    // the caller may not do this
  kResourceExhausted,   // no memory, capacity or quota left
  kUnavailable,         // a part is down or unreachable; retrying later may help
  kTimedOut,            // no answer within the bound
  kUnsupported,         // valid, but this build or host cannot do it
  kCorrupt,             // stored or received bytes are not what they should be
  kIo,                  // the operating system refused; the context holds errno's text
};

// Returns the code's name as printed in logs, e.g. "NotFound".
std::string_view error_code_name(ErrorCode code);

// A failure: `message` may be shown to the user who asked; `context` is for the operator's log only.
struct Error {
  ErrorCode code;
  std::string message;
  std::string context = {};

  // Returns "NotFound: message (context)".
  [[nodiscard]] std::string to_string() const;
};

// Builds a kIo error from errno: message "cannot <what>", context errno's text. `error_number` is an errno
// value.
Error errno_error(std::string_view what, int error_number);

}  // namespace cumulet
