// The table of codes, and the mapping of every lower layer's failures onto it.
#include "api/action/error_codes.h"

#include "base/check.h"
#include "base/log.h"

namespace cumulet::api {

namespace {

struct CodeInfo {
  ApiCode code;
  std::string_view name;
  int status;
};

constexpr CodeInfo kCodes[] = {
    {ApiCode::kAccessKeyUnknown, "InvalidClientTokenId", 403},
    {ApiCode::kAuthFailure, "AuthFailure", 401},
    {ApiCode::kDryRunOperation, "DryRunOperation", 412},
    {ApiCode::kFilterLimitExceeded, "FilterLimitExceeded", 400},
    {ApiCode::kIdempotentParameterMismatch, "IdempotentParameterMismatch", 400},
    {ApiCode::kIncompleteSignature, "IncompleteSignature", 400},
    {ApiCode::kIncorrectInstanceState, "IncorrectInstanceState", 400},
    {ApiCode::kInsufficientInstanceCapacity, "InsufficientInstanceCapacity", 500},
    {ApiCode::kInstanceLimitExceeded, "InstanceLimitExceeded", 400},
    {ApiCode::kInternalError, "InternalError", 500},
    {ApiCode::kInvalidAction, "InvalidAction", 400},
    {ApiCode::kInvalidAmiIdMalformed, "InvalidAMIID.Malformed", 400},
    {ApiCode::kInvalidAmiIdNotFound, "InvalidAMIID.NotFound", 400},
    {ApiCode::kInvalidGroupNotFound, "InvalidGroup.NotFound", 400},
    {ApiCode::kInvalidId, "InvalidID", 400},
    {ApiCode::kInvalidInstanceIdMalformed, "InvalidInstanceID.Malformed", 400},
    {ApiCode::kInvalidInstanceIdNotFound, "InvalidInstanceID.NotFound", 400},
    {ApiCode::kInvalidInstanceType, "InvalidInstanceType", 400},
    {ApiCode::kInvalidKeyPairNotFound, "InvalidKeyPair.NotFound", 400},
    {ApiCode::kInvalidNextToken, "InvalidNextToken", 400},
    {ApiCode::kInvalidParameterCombination, "InvalidParameterCombination", 400},
    {ApiCode::kInvalidParameterValue, "InvalidParameterValue", 400},
    {ApiCode::kInvalidRequest, "InvalidRequest", 400},
    {ApiCode::kInvalidSubnetIdNotFound, "InvalidSubnetID.NotFound", 400},
    {ApiCode::kInvalidUserDataMalformed, "InvalidUserData.Malformed", 400},
    {ApiCode::kMalformedQueryString, "MalformedQueryString", 400},
    {ApiCode::kMissingAction, "MissingAction", 400},
    {ApiCode::kMissingAuthenticationToken, "MissingAuthenticationToken", 403},
    {ApiCode::kMissingParameter, "MissingParameter", 400},
    {ApiCode::kNoSuchVersion, "NoSuchVersion", 400},
    {ApiCode::kOperationNotPermitted, "OperationNotPermitted", 400},
    {ApiCode::kRequestEntityTooLarge, "RequestEntityTooLarge", 413},
    {ApiCode::kRequestExpired, "RequestExpired", 400},
    {ApiCode::kRequestHeaderTooLarge, "RequestHeaderSectionTooLarge", 431},
    {ApiCode::kRequestTimeout, "RequestTimeout", 408},
    {ApiCode::kSignatureDoesNotMatch, "SignatureDoesNotMatch", 403},
    {ApiCode::kTagLimitExceeded, "TagLimitExceeded", 400},
    {ApiCode::kUnavailable, "Unavailable", 503},
    {ApiCode::kUnknownParameter, "UnknownParameter", 400},
    {ApiCode::kUnsupportedOperation, "UnsupportedOperation", 400},
};

const CodeInfo& find_code(ApiCode code) {
  const CodeInfo& info = kCodes[static_cast<size_t>(code)];
  CHECK(info.code == code);  // the table is in the order of the enumeration
  return info;
}

ApiCode from_error(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return ApiCode::kInvalidParameterValue;
    // Actions check what a request names before they act; what is gone in between is nearly always an
    // instance.
    case ErrorCode::kNotFound: return ApiCode::kInvalidInstanceIdNotFound;
    case ErrorCode::kAlreadyExists: return ApiCode::kInvalidParameterValue;
    case ErrorCode::kFailedPrecondition: return ApiCode::kIncorrectInstanceState;
    case ErrorCode::kPermissionDenied: return ApiCode::kOperationNotPermitted;
    case ErrorCode::kResourceExhausted: return ApiCode::kInsufficientInstanceCapacity;
    case ErrorCode::kUnsupported: return ApiCode::kUnsupportedOperation;
    case ErrorCode::kConflict:
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimedOut: return ApiCode::kUnavailable;
    case ErrorCode::kCorrupt:
    case ErrorCode::kIo: return ApiCode::kInternalError;
  }
  return ApiCode::kInternalError;
}

std::string public_message(const Error& error) {
  switch (from_error(error.code)) {
    case ApiCode::kInternalError: return "An internal error has occurred";
    case ApiCode::kUnavailable: return "The service is unavailable. Please try again shortly.";
    default: return error.message;
  }
}

ApiCode from_shape(ShapeError::Kind kind) {
  switch (kind) {
    case ShapeError::Kind::kMalformed: return ApiCode::kMalformedQueryString;
    case ShapeError::Kind::kUnknownParameter: return ApiCode::kUnknownParameter;
    case ShapeError::Kind::kMissingParameter: return ApiCode::kMissingParameter;
    case ShapeError::Kind::kInvalidValue: return ApiCode::kInvalidParameterValue;
  }
  return ApiCode::kInternalError;
}

}  // namespace

ApiError::ApiError(const Error& error) : code(from_error(error.code)), message(public_message(error)) {
  bool ours = code == ApiCode::kInternalError || code == ApiCode::kUnavailable;
  if (ours) spdlog::error("API call failed: {}", error.to_string());
}

ApiError::ApiError(const ShapeError& error) : code(from_shape(error.kind)), message(error.message) {}

ApiError to_api_error(const AuthError& error, std::string_view service) {
  using Kind = AuthError::Kind;
  bool ec2 = service == "ec2";
  // EC2 does not tell an unknown key from a wrong signature.
  const std::string ec2_text = "AWS was not able to validate the provided access credentials";
  switch (error.kind) {
    case Kind::kMissingToken: return {ApiCode::kMissingAuthenticationToken, error.message};
    case Kind::kIncomplete: return {ApiCode::kIncompleteSignature, error.message};
    case Kind::kSessionToken: return {ApiCode::kAccessKeyUnknown, error.message};
    case Kind::kUnknownKey:
      if (ec2) return {ApiCode::kAuthFailure, ec2_text};
      return {ApiCode::kAccessKeyUnknown, "The security token included in the request is invalid."};
    case Kind::kWrongScope:
      return {ec2 ? ApiCode::kAuthFailure : ApiCode::kSignatureDoesNotMatch, error.message};
    case Kind::kExpired:
      return {ec2 ? ApiCode::kRequestExpired : ApiCode::kSignatureDoesNotMatch, error.message};
    case Kind::kMismatch:
      if (ec2) return {ApiCode::kAuthFailure, ec2_text};
      return {ApiCode::kSignatureDoesNotMatch, error.message};
  }
  return {ApiCode::kInternalError, "An internal error has occurred"};
}

std::string_view api_code_name(ApiCode code) { return find_code(code).name; }

int api_code_status(ApiCode code) { return find_code(code).status; }

}  // namespace cumulet::api
