// The root user's credential.
#include "api/auth/credential.h"

namespace cumulet::api {

RootCredential::RootCredential(std::string account_id, std::string access_key_id,
                               std::string secret_access_key)
    : credential_{std::move(access_key_id),
                  std::move(secret_access_key),
                  {account_id, "arn:aws:iam::" + account_id + ":root", account_id}} {}

std::optional<Credential> RootCredential::find(std::string_view access_key_id) const {
  if (access_key_id != credential_.access_key_id) return {};
  return credential_;
}

}  // namespace cumulet::api
