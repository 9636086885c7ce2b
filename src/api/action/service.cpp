// Routing of API requests.
#include "api/action/service.h"

#include <algorithm>

#include "api/action/invoke.h"
#include "api/action/response.h"
#include "base/check.h"
#include "base/log.h"

namespace cumulet::api {

namespace {

const ServiceInfo& ec2_service() {
  const ServiceInfo* service = find_service("ec2");
  CHECK(service != nullptr);
  return *service;
}

std::vector<std::string> service_names() {
  std::vector<std::string> names;
  for (const ServiceInfo& service : all_services()) names.emplace_back(service.name);
  return names;
}

// The service whose protocol an unverified request expects its errors in: EC2's unless it is signed for
// another.
const ServiceInfo& claimed_service(const http::Request& request, const FormParameters& query) {
  auto signature = parse_signature(request, query);
  const ServiceInfo* service = signature ? find_service(signature->scope.service) : nullptr;
  return service != nullptr ? *service : ec2_service();
}

const Action* find_action(std::string_view service, std::string_view name) {
  for (const Action& action : implemented_actions()) {
    if (action.service == service && action.name == name) return &action;
  }
  return nullptr;
}

// The parameters that an action sees: all but those of a presigned request's signature.
FormParameters without_signature(const FormParameters& query) {
  FormParameters kept;
  std::copy_if(query.begin(), query.end(), std::back_inserter(kept),
               [](const auto& parameter) { return !parameter.first.starts_with("X-Amz-"); });
  return kept;
}

ApiCode refusal_code(int status) {
  switch (status) {
    case 408: return ApiCode::kRequestTimeout;
    case 413: return ApiCode::kRequestEntityTooLarge;
    case 431: return ApiCode::kRequestHeaderTooLarge;
    case 500: return ApiCode::kInternalError;
    case 503: return ApiCode::kUnavailable;
    default: return ApiCode::kInvalidRequest;
  }
}

http::Response xml_response(int status, std::string body, const std::string& request_id) {
  return {
      status,
      {{"Content-Type", "text/xml;charset=UTF-8"}, {"Server", "cumulet"}, {"x-amzn-RequestId", request_id}},
      std::move(body)};
}

// The name as a caller may see it again: cut, if it is absurdly long.
std::string shown(std::string_view name) { return std::string(name.substr(0, 128)); }

}  // namespace

Service::Service(Cloud cloud, const CredentialProvider& credentials)
    : cloud_(std::move(cloud)), verifier_(credentials, cloud_.clock, cloud_.region, service_names()) {}

http::Response Service::handle(const http::Request& request) {
  std::string request_id = new_request_id();
  Answer result = answer(request, request_id);
  if (result.body) return xml_response(200, std::move(*result.body), request_id);
  const ApiError& error = result.body.error();
  // Quoted, because messages repeat what the caller sent, and a line feed would forge a line of the log.
  spdlog::info("request {} from {}: {}: {:?}", request_id, request.peer, api_code_name(error.code),
               error.message);
  return xml_response(api_code_status(error.code), error_body(*result.service, error, request_id),
                      request_id);
}

http::Response Service::refuse(int status, std::string_view reason) {
  std::string request_id = new_request_id();
  ApiError error(refusal_code(status), std::string(reason));
  return xml_response(status, error_body(ec2_service(), error, request_id), request_id);
}

Service::Answer Service::answer(const http::Request& request, const std::string& request_id) {
  std::string_view target = request.target;
  size_t mark = target.find('?');
  std::string_view path = target.substr(0, mark);
  FormParameters query;
  if (mark != std::string_view::npos) {
    auto parsed = parse_form(target.substr(mark + 1), query);
    if (!parsed) return {&ec2_service(), tl::unexpected(ApiError(parsed.error()))};
  }
  const ServiceInfo& claimed = claimed_service(request, query);
  auto caller = verifier_.verify(request, path, query);
  if (!caller) return {&claimed, tl::unexpected(to_api_error(caller.error(), claimed.name))};
  const ServiceInfo* service = find_service(caller->service);
  CHECK(service != nullptr);  // the verifier accepts no other
  if (path != "/" && !path.empty()) {
    return {service, api::refuse(ApiCode::kInvalidRequest, "The only path of this endpoint is '/'.")};
  }
  if (request.method != "POST" && request.method != "GET") {
    return {service, api::refuse(ApiCode::kInvalidRequest, "Only the methods GET and POST are supported.")};
  }
  FormParameters parameters = without_signature(query);
  auto parsed = parse_form(request.body, parameters);
  if (!parsed) return {service, tl::unexpected(ApiError(parsed.error()))};
  return {service, call(*service, *caller, parameters, request_id)};
}

Outcome<std::string> Service::call(const ServiceInfo& service, const Authenticated& caller,
                                   const FormParameters& parameters, const std::string& request_id) {
  auto form = build_form_tree(parameters);
  if (!form) return tl::unexpected(ApiError(form.error()));
  const std::string* name = form->find("Action");
  if (name == nullptr || name->empty()) {
    return api::refuse(ApiCode::kMissingAction, "The request must contain the parameter Action");
  }
  if (find_operation(service.name, *name) == nullptr) {
    return api::refuse(ApiCode::kInvalidAction,
                       "The action " + shown(*name) + " is not valid for this web service.");
  }
  const std::string* version = form->find("Version");
  if (version != nullptr && *version != service.api_version) {
    return api::refuse(ApiCode::kNoSuchVersion, "The requested version (" + shown(*version) +
                                                    ") of service " + std::string(service.name) +
                                                    " does not exist");
  }
  const Action* action = find_action(service.name, *name);
  if (action == nullptr) {
    return api::refuse(ApiCode::kUnsupportedOperation,
                       "The functionality you requested is not available in this cloud: " + *name + ".");
  }
  ActionContext context{cloud_, caller, parameters, request_id};
  auto result = action->invoke(context, *form);
  if (!result) return tl::unexpected(std::move(result).error());
  return result_body(service, *name, action->result_wrapper, request_id, *result);
}

std::string Service::new_request_id() {
  std::string digits = cloud_.ids.next_digits() + cloud_.ids.next_digits();
  for (size_t dash : {8u, 13u, 18u, 23u}) digits.insert(dash, 1, '-');
  return digits.substr(0, 36);
}

}  // namespace cumulet::api
