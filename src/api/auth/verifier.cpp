// Signature Version 4 verification.
#include "api/auth/verifier.h"

#include <algorithm>

#include "api/auth/canonical.h"
#include "api/auth/digest.h"
#include "api/shape/timestamp.h"

namespace cumulet::api {

namespace {

using Kind = AuthError::Kind;

tl::unexpected<AuthError> refuse(Kind kind, std::string message) {
  return tl::unexpected(AuthError{kind, std::move(message)});
}

bool is_signed(const Signature& signature, std::string_view name) {
  return std::any_of(signature.signed_headers.begin(), signature.signed_headers.end(),
                     [&](const std::string& header) { return http::same_header_name(header, name); });
}

// The date and every other x-amz-* header must be covered, or somebody between could change what they say.
tl::expected<void, AuthError> check_coverage(const http::Request& request, const Signature& signature) {
  bool dated = signature.presigned || is_signed(signature, "x-amz-date") || is_signed(signature, "date");
  if (!dated) return refuse(Kind::kIncomplete, "The date of the request must be signed.");
  for (const http::Header& header : request.headers) {
    bool amazon = header.name.size() > 6 && http::same_header_name(header.name.substr(0, 6), "x-amz-");
    if (amazon && !is_signed(signature, header.name)) {
      return refuse(Kind::kMismatch, "The header " + header.name + " is present but not signed.");
    }
  }
  return {};
}

}  // namespace

Verifier::Verifier(const CredentialProvider& credentials, const Clock& clock, std::string region,
                   std::vector<std::string> services)
    : credentials_(credentials), clock_(clock), region_(std::move(region)), services_(std::move(services)) {}

tl::expected<Authenticated, AuthError> Verifier::verify(const http::Request& request, std::string_view path,
                                                        const FormParameters& query) const {
  auto signature = parse_signature(request, query);
  if (!signature) return tl::unexpected(std::move(signature).error());
  // There is no service that hands out temporary credentials yet, so none can be valid.
  if (signature->has_session_token) {
    return refuse(Kind::kSessionToken, "The security token included in the request is invalid.");
  }
  auto credential = credentials_.find(signature->scope.access_key_id);
  if (!credential) {
    return refuse(Kind::kUnknownKey, "The access key id provided does not exist in our records.");
  }
  if (auto scope = check_scope(signature->scope); !scope) return tl::unexpected(scope.error());
  if (auto coverage = check_coverage(request, *signature); !coverage) return tl::unexpected(coverage.error());
  auto canonical = canonical_request(request, path, query, signature->signed_headers);
  constexpr const char* kMismatchText =
      "The request signature we calculated does not match the signature you provided. Check your AWS secret "
      "access "
      "key and signing method.";
  if (!canonical) return refuse(Kind::kMismatch, kMismatchText);
  std::string expected =
      sign(credential->secret_access_key, signature->scope, signature->timestamp, *canonical);
  if (!equal_in_constant_time(expected, signature->signature)) return refuse(Kind::kMismatch, kMismatchText);
  if (auto time = check_time(*signature); !time) return tl::unexpected(time.error());
  std::string_view secret = credential->secret_access_key;
  Digest page_key = hmac_sha256(std::vector<uint8_t>(secret.begin(), secret.end()), "pagination");
  return Authenticated{credential->identity, signature->scope.service, page_key};
}

tl::expected<void, AuthError> Verifier::check_scope(const CredentialScope& scope) const {
  if (scope.region != region_) {
    return refuse(Kind::kWrongScope,
                  "Credential should be scoped to a valid region, not '" + scope.region + "'.");
  }
  if (std::find(services_.begin(), services_.end(), scope.service) == services_.end()) {
    return refuse(Kind::kWrongScope,
                  "Credential should be scoped to a service of this endpoint, not '" + scope.service + "'.");
  }
  return {};
}

tl::expected<void, AuthError> Verifier::check_time(const Signature& signature) const {
  auto now_ms = static_cast<int64_t>(clock_.wall_ns() / 1'000'000);
  int64_t latest_ms =
      signature.time_ms + (signature.presigned ? signature.expires_s * 1000 : kMaxClockSkewMs);
  if (now_ms > latest_ms) {
    return refuse(Kind::kExpired, "Request has expired. It was signed at " + signature.timestamp +
                                      "; the time is now " + format_timestamp({now_ms}) + ".");
  }
  if (signature.time_ms > now_ms + kMaxClockSkewMs) {
    return refuse(Kind::kExpired, "Request is signed for the future, at " + signature.timestamp +
                                      "; the time is now " + format_timestamp({now_ms}) + ".");
  }
  return {};
}

std::string sign(std::string_view secret, const CredentialScope& scope, std::string_view timestamp,
                 std::string_view canonical_request) {
  std::string first_key = "AWS4" + std::string(secret);
  Digest key = hmac_sha256(std::vector<uint8_t>(first_key.begin(), first_key.end()), scope.date);
  for (std::string_view part :
       {std::string_view(scope.region), std::string_view(scope.service), std::string_view("aws4_request")}) {
    key = hmac_sha256(key, part);
  }
  std::string text = "AWS4-HMAC-SHA256\n" + std::string(timestamp) + "\n" + scope.text() + "\n" +
                     to_hex(sha256(canonical_request));
  return to_hex(hmac_sha256(key, text));
}

}  // namespace cumulet::api
