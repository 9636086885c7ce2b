// Service: the EC2 and STS endpoint: from an HTTP request to an HTTP response.
#pragma once

#include <string>

#include "api/action/context.h"
#include "api/action/outcome.h"
#include "api/auth/credential.h"
#include "api/auth/verifier.h"
#include "api/http/server.h"
#include "api/shape/form.h"
#include "api/shape/operations.h"

namespace cumulet::api {

// The order in which a request is judged: target, signature, parameters' form, action's name, version, the
// action's parameters, the action itself. Thread-safe.
class Service final : public http::Handler {
 public:
  // The credentials must outlive the service.
  Service(Cloud cloud, const CredentialProvider& credentials);

  [[nodiscard]] http::Response handle(const http::Request& request) override;
  [[nodiscard]] http::Response refuse(int status, std::string_view reason) override;

 private:
  struct Answer {
    const ServiceInfo* service;  // whose protocol the answer is in
    Outcome<std::string> body;
  };

  [[nodiscard]] Answer answer(const http::Request& request, const std::string& request_id);
  [[nodiscard]] Outcome<std::string> call(const ServiceInfo& service, const Authenticated& caller,
                                          const FormParameters& parameters, const std::string& request_id);
  [[nodiscard]] std::string new_request_id();

  Cloud cloud_;
  Verifier verifier_;
};

}  // namespace cumulet::api
