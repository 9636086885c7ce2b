// The envelopes of the EC2 and query protocols.
#include "api/action/response.h"

#include "api/shape/xml_encoder.h"

namespace cumulet::api {

namespace {

void add_text(pugi::xml_node parent, const char* name, const std::string& text) {
  put_value(parent.append_child(name), text);
}

}  // namespace

std::string result_body(const ServiceInfo& service, std::string_view action, std::string_view result_wrapper,
                        const std::string& request_id, const std::function<void(pugi::xml_node)>& fill) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child((std::string(action) + "Response").c_str());
  root.append_attribute("xmlns").set_value(std::string(service.xml_namespace).c_str());
  if (service.ec2_protocol) {
    add_text(root, "requestId", request_id);
    fill(root);
  } else {
    fill(root.append_child(std::string(result_wrapper).c_str()));
    add_text(root.append_child("ResponseMetadata"), "RequestId", request_id);
  }
  return to_text(document);
}

std::string error_body(const ServiceInfo& service, const ApiError& error, const std::string& request_id) {
  pugi::xml_document document;
  std::string code(api_code_name(error.code));
  if (service.ec2_protocol) {
    pugi::xml_node root = document.append_child("Response");
    pugi::xml_node node = root.append_child("Errors").append_child("Error");
    add_text(node, "Code", code);
    add_text(node, "Message", error.message);
    add_text(root, "RequestID", request_id);
  } else {
    pugi::xml_node root = document.append_child("ErrorResponse");
    root.append_attribute("xmlns").set_value(std::string(service.xml_namespace).c_str());
    pugi::xml_node node = root.append_child("Error");
    add_text(node, "Type", api_code_status(error.code) < 500 ? "Sender" : "Receiver");
    add_text(node, "Code", code);
    add_text(node, "Message", error.message);
    add_text(root, "RequestId", request_id);
  }
  return to_text(document);
}

}  // namespace cumulet::api
