// Every service and operation that the public models know, implemented or not (generated tables).
#pragma once

#include <span>
#include <string_view>

namespace cumulet::api {

struct ServiceInfo {
  std::string_view name;           // as in a credential scope: "ec2"
  std::string_view api_version;    // "2016-11-15"
  std::string_view xml_namespace;  // of response documents
  bool ec2_protocol;               // its error bodies are EC2's, not those of AWS's common query protocol
};

struct OperationInfo {
  std::string_view service;
  std::string_view name;
  std::string_view input_shape;   // empty: takes no parameters
  std::string_view output_shape;  // empty: answers <return>true</return>
  bool implemented;               // listed in generate/actions.txt
};

// Sorted by service, then by name. The storage is static.
std::span<const OperationInfo> all_operations();
std::span<const ServiceInfo> all_services();

// Returns the row, or null for a name that no model knows.
const OperationInfo* find_operation(std::string_view service, std::string_view name);
const ServiceInfo* find_service(std::string_view name);

}  // namespace cumulet::api
