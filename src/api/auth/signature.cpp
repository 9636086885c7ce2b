// Parsing of Authorization headers and presigned queries (AWS Signature Version 4).
#include "api/auth/signature.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "api/shape/timestamp.h"

namespace cumulet::api {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";
constexpr int64_t kMaxExpires = 7 * 24 * 3600;  // seconds; AWS's limit for presigned requests
constexpr size_t kMaxSignedHeaders = 64;

tl::unexpected<AuthError> incomplete(std::string message) {
  return tl::unexpected(AuthError{AuthError::Kind::kIncomplete, std::move(message)});
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_signature(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

tl::expected<std::vector<std::string>, AuthError> parse_signed_headers(std::string_view text) {
  std::vector<std::string> names;
  for (std::string_view name : split(text, ';')) {
    bool lower_case = std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (name.empty() || !lower_case || names.size() == kMaxSignedHeaders) {
      return incomplete("The list of signed headers is malformed.");
    }
    names.emplace_back(name);
  }
  bool sorted = std::is_sorted(names.begin(), names.end());
  if (!sorted || std::adjacent_find(names.begin(), names.end()) != names.end()) {
    return incomplete("The signed headers must be sorted and distinct.");
  }
  if (std::find(names.begin(), names.end(), "host") == names.end()) {
    return incomplete("The Host header must be signed.");
  }
  return names;
}

// Checks the parts that headers and queries have in common.
tl::expected<Signature, AuthError> assemble(std::string_view credential, std::string_view signed_headers,
                                            std::string_view signature, std::string_view timestamp) {
  Signature result;
  auto scope = parse_credential_scope(credential);
  if (!scope)
    return incomplete("Credential must be of the form <key id>/<date>/<region>/<service>/aws4_request.");
  result.scope = std::move(*scope);
  auto names = parse_signed_headers(signed_headers);
  if (!names) return tl::unexpected(std::move(names).error());
  result.signed_headers = std::move(*names);
  if (!is_signature(signature)) return incomplete("The signature must be 64 lower-case hexadecimal digits.");
  result.signature = signature;
  auto time = parse_basic_timestamp(timestamp);
  if (!time)
    return incomplete("Date must be in ISO 8601 basic format, as in 20260101T000000Z. Got '" +
                      std::string(timestamp.substr(0, 64)) + "'.");
  result.timestamp = timestamp;
  result.time_ms = time->epoch_ms;
  if (!timestamp.starts_with(result.scope.date)) {
    return incomplete("The date of the credential scope does not match that of the request.");
  }
  return result;
}

tl::expected<Signature, AuthError> parse_header(const http::Request& request, std::string_view header) {
  if (!header.starts_with(kAlgorithm) || header.size() == kAlgorithm.size() ||
      header[kAlgorithm.size()] != ' ') {
    return incomplete("Unsupported authorization type; use AWS4-HMAC-SHA256.");
  }
  std::map<std::string_view, std::string_view> fields;
  for (std::string_view part : split(header.substr(kAlgorithm.size()), ',')) {
    part = trim(part);
    size_t equals = part.find('=');
    if (equals == std::string_view::npos) return incomplete("The Authorization header is malformed.");
    if (!fields.emplace(part.substr(0, equals), part.substr(equals + 1)).second) {
      return incomplete("The Authorization header has a field twice.");
    }
  }
  for (std::string_view name : {"Credential", "SignedHeaders", "Signature"}) {
    if (!fields.contains(name)) {
      return incomplete("Authorization header requires '" + std::string(name) + "' parameter.");
    }
  }
  if (fields.size() != 3) return incomplete("The Authorization header has an unknown field.");
  const std::string* date = request.find_header("x-amz-date");
  if (date == nullptr) date = request.find_header("date");
  if (date == nullptr) {
    return incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  }
  auto result = assemble(fields["Credential"], fields["SignedHeaders"], fields["Signature"], trim(*date));
  if (result) result->has_session_token = request.find_header("x-amz-security-token") != nullptr;
  return result;
}

const std::string* find(const FormParameters& query, std::string_view name) {
  for (const auto& [key, value] : query) {
    if (key == name) return &value;
  }
  return nullptr;
}

tl::expected<Signature, AuthError> parse_query(const FormParameters& query) {
  const std::string* parts[6];
  constexpr std::string_view kNames[] = {"X-Amz-Algorithm", "X-Amz-Credential",    "X-Amz-Date",
                                         "X-Amz-Expires",   "X-Amz-SignedHeaders", "X-Amz-Signature"};
  for (size_t i = 0; i < std::size(kNames); ++i) {
    parts[i] = find(query, kNames[i]);
    if (parts[i] == nullptr)
      return incomplete("The query requires the parameter " + std::string(kNames[i]) + ".");
  }
  if (*parts[0] != kAlgorithm) return incomplete("X-Amz-Algorithm must be AWS4-HMAC-SHA256.");
  auto result = assemble(*parts[1], *parts[4], *parts[5], *parts[2]);
  if (!result) return result;
  const std::string& expires = *parts[3];
  auto [end, status] = std::from_chars(expires.data(), expires.data() + expires.size(), result->expires_s);
  bool is_number = status == std::errc() && end == expires.data() + expires.size();
  if (!is_number || result->expires_s < 1 || result->expires_s > kMaxExpires) {
    return incomplete("X-Amz-Expires must be a number of seconds from 1 to 604800.");
  }
  result->presigned = true;
  result->has_session_token = find(query, "X-Amz-Security-Token") != nullptr;
  return result;
}

}  // namespace

std::string CredentialScope::text() const {
  return date + "/" + region + "/" + service + "/" + std::string(kTerminator);
}

std::optional<CredentialScope> parse_credential_scope(std::string_view text) {
  auto parts = split(text, '/');
  if (parts.size() != 5 || parts[4] != kTerminator || parts[1].size() != 8) return {};
  if (std::any_of(parts.begin(), parts.end(), [](std::string_view part) { return part.empty(); })) return {};
  return CredentialScope{std::string(parts[0]), std::string(parts[1]), std::string(parts[2]),
                         std::string(parts[3])};
}

tl::expected<Signature, AuthError> parse_signature(const http::Request& request,
                                                   const FormParameters& query) {
  const std::string* header = request.find_header("authorization");
  bool in_query = find(query, "X-Amz-Algorithm") != nullptr || find(query, "X-Amz-Signature") != nullptr;
  if (header != nullptr && in_query)
    return incomplete("The request is signed twice: in its header and its query.");
  if (header != nullptr) return parse_header(request, *header);
  if (in_query) return parse_query(query);
  return tl::unexpected(
      AuthError{AuthError::Kind::kMissingToken,
                "The request must contain a signature made with a registered AWS access key."});
}

}  // namespace cumulet::api
