// Signature: the claims that a request's SigV4 header or presigned query makes, parsed but not yet believed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "api/auth/auth_error.h"
#include "api/http/message.h"
#include "api/shape/form.h"

namespace cumulet::api {

// AKID/20260101/us-east-1/ec2/aws4_request
struct CredentialScope {
  std::string access_key_id;
  std::string date;  // "20260101"
  std::string region;
  std::string service;

  // Returns "20260101/us-east-1/ec2/aws4_request".
  [[nodiscard]] std::string text() const;
};

struct Signature {
  CredentialScope scope;
  std::vector<std::string> signed_headers;  // lower case, sorted, distinct
  std::string signature;                    // 64 hexadecimal digits
  std::string timestamp;                    // "20260101T000000Z"
  int64_t time_ms = 0;                      // the same as Unix time
  bool presigned = false;
  int64_t expires_s = 0;  // of a presigned request: how long it is valid
  bool has_session_token = false;
};

// Finds and parses the signature of a request, from the Authorization header or, for a presigned request,
// from the decoded parameters of the query. Errors: kMissingToken (there is none), kIncomplete (it is
// malformed).
tl::expected<Signature, AuthError> parse_signature(const http::Request& request, const FormParameters& query);

// Parses "AKID/date/region/service/aws4_request"; nothing if it is not of that form.
std::optional<CredentialScope> parse_credential_scope(std::string_view text);

}  // namespace cumulet::api
