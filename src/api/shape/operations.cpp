// Look-ups in the generated tables of operations.
#include "api/shape/operations.h"

#include <algorithm>
#include <utility>

namespace cumulet::api {

const OperationInfo* find_operation(std::string_view service, std::string_view name) {
  auto operations = all_operations();
  auto wanted = std::pair(service, name);
  auto row = std::lower_bound(operations.begin(), operations.end(), wanted,
                              [](const OperationInfo& operation, const auto& key) {
                                return std::pair(operation.service, operation.name) < key;
                              });
  bool found = row != operations.end() && row->service == service && row->name == name;
  return found ? &*row : nullptr;
}

const ServiceInfo* find_service(std::string_view name) {
  for (const ServiceInfo& service : all_services()) {
    if (service.name == name) return &service;
  }
  return nullptr;
}

}  // namespace cumulet::api
