// Verifier: decides whether a request was signed by the holder of a known secret, recently, for this
// endpoint.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "api/auth/auth_error.h"
#include "api/auth/credential.h"
#include "api/auth/digest.h"
#include "api/auth/signature.h"
#include "api/http/message.h"
#include "api/shape/form.h"
#include "base/clock.h"

namespace cumulet::api {

// How far the client's clock may be off, as AWS has it.
inline constexpr int64_t kMaxClockSkewMs = 15 * 60 * 1000;

struct Authenticated {
  Identity identity;
  std::string service;  // of the credential scope: "ec2"
  Digest page_key{};    // derived from the secret: authenticates the tokens handed out for further pages
};

// Stateless and thread-safe. A wrong key and a wrong signature take the same way, and compare in constant
// time.
class Verifier {
 public:
  // `services` are the names a request may be signed for. The references must outlive the verifier.
  Verifier(const CredentialProvider& credentials, const Clock& clock, std::string region,
           std::vector<std::string> services);

  // `query` holds the decoded parameters of the target's query, `path` its path as sent.
  [[nodiscard]] tl::expected<Authenticated, AuthError> verify(const http::Request& request,
                                                              std::string_view path,
                                                              const FormParameters& query) const;

 private:
  [[nodiscard]] tl::expected<void, AuthError> check_scope(const CredentialScope& scope) const;
  [[nodiscard]] tl::expected<void, AuthError> check_time(const Signature& signature) const;

  const CredentialProvider& credentials_;
  const Clock& clock_;
  std::string region_;
  std::vector<std::string> services_;
};

// Returns the signature of a canonical request: the client's half of the protocol, also used by tests.
std::string sign(std::string_view secret, const CredentialScope& scope, std::string_view timestamp,
                 std::string_view canonical_request);

}  // namespace cumulet::api
