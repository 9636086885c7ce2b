// Names and printing of errors.
#include "base/error.h"

#include <cstring>

namespace cumulet {

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "InvalidArgument";
    case ErrorCode::kNotFound: return "NotFound";
    case ErrorCode::kAlreadyExists: return "AlreadyExists";
    case ErrorCode::kConflict: return "Conflict";
    case ErrorCode::kFailedPrecondition: return "FailedPrecondition";
    case ErrorCode::kPermissionDenied: return "PermissionDenied";
    case ErrorCode::kResourceExhausted: return "ResourceExhausted";
    case ErrorCode::kUnavailable: return "Unavailable";
    case ErrorCode::kTimedOut: return "TimedOut";
    case ErrorCode::kUnsupported: return "Unsupported";
    case ErrorCode::kCorrupt: return "Corrupt";
    case ErrorCode::kIo: return "Io";
  }
  return "Unknown";
}

std::string Error::to_string() const {
  std::string text = std::string(error_code_name(code)) + ": " + message;
  if (!context.empty()) text += " (" + context + ")";
  return text;
}

Error errno_error(std::string_view what, int error_number) {
  char buffer[128];
  return Error{ErrorCode::kIo, "cannot " + std::string(what),
               strerror_r(error_number, buffer, sizeof(buffer))};
}

}  // namespace cumulet
