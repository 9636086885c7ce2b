// ApiError and the one table of EC2 error codes: every failure becomes what AWS's clients know, here and
// last.
#pragma once

#include <string>
#include <string_view>

#include "api/auth/auth_error.h"
#include "api/shape/shape_error.h"
#include "base/error.h"

namespace cumulet::api {

// AWS's error codes that this API answers; names and HTTP statuses are in error_codes.cpp.
enum class ApiCode {
  kAccessKeyUnknown,
  kAuthFailure,
  kDryRunOperation,
  kFilterLimitExceeded,
  kIdempotentParameterMismatch,
  kIncompleteSignature,
  kIncorrectInstanceState,
  kInsufficientInstanceCapacity,
  kInstanceLimitExceeded,
  kInternalError,
  kInvalidAction,
  kInvalidAmiIdMalformed,
  kInvalidAmiIdNotFound,
  kInvalidGroupNotFound,
  kInvalidId,
  kInvalidInstanceIdMalformed,
  kInvalidInstanceIdNotFound,
  kInvalidInstanceType,
  kInvalidKeyPairNotFound,
  kInvalidNextToken,
  kInvalidParameterCombination,
  kInvalidParameterValue,
  kInvalidRequest,
  kInvalidSubnetIdNotFound,
  kInvalidUserDataMalformed,
  kMalformedQueryString,
  kMissingAction,
  kMissingAuthenticationToken,
  kMissingParameter,
  kNoSuchVersion,
  kOperationNotPermitted,
  kRequestEntityTooLarge,
  kRequestExpired,
  kRequestHeaderTooLarge,
  kRequestTimeout,
  kSignatureDoesNotMatch,
  kTagLimitExceeded,
  kUnavailable,
  kUnknownParameter,
  kUnsupportedOperation,
};

// A failure as the caller of the API sees it.
struct ApiError {
  ApiError(ApiCode error_code, std::string text) : code(error_code), message(std::move(text)) {}
  // The last step of an operational failure: implicit, so that TRY works on Results inside actions. What is
  // not for the caller's eyes goes to the log.
  ApiError(const Error& error);       // NOLINT(google-explicit-constructor)
  ApiError(const ShapeError& error);  // NOLINT(google-explicit-constructor)

  ApiCode code;
  std::string message;
};

// What an authentication failure is called: EC2 says AuthFailure where AWS's other services have finer codes.
ApiError to_api_error(const AuthError& error, std::string_view service);

// Returns the code as it appears in the body, e.g. "InvalidInstanceID.NotFound".
std::string_view api_code_name(ApiCode code);

// Returns the HTTP status that goes with it.
int api_code_status(ApiCode code);

}  // namespace cumulet::api
