// Credentials: who may call the API, and with which secret.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cumulet::api {

// Who made a request.
struct Identity {
  std::string account_id;  // 12 digits
  std::string arn;         // "arn:aws:iam::<account>:root"
  std::string user_id;     // the account id for the root user
};

struct Credential {
  std::string access_key_id;
  std::string secret_access_key;
  Identity identity;
};

// Finds credentials. Called from several threads at once.
class CredentialProvider {
 public:
  virtual ~CredentialProvider() = default;
  // Returns the credential of this access key id, or nothing.
  [[nodiscard]] virtual std::optional<Credential> find(std::string_view access_key_id) const = 0;
};

// One account whose root user holds the only key.
class RootCredential final : public CredentialProvider {
 public:
  RootCredential(std::string account_id, std::string access_key_id, std::string secret_access_key);
  [[nodiscard]] std::optional<Credential> find(std::string_view access_key_id) const override;

 private:
  Credential credential_;
};

}  // namespace cumulet::api
