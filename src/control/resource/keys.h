// The keys under which resources are stored (docs/formats/store.md), each in this one place.
#pragma once

#include <string>
#include <string_view>

#include "control/resource/ids.h"

namespace cumulet::control {

inline constexpr std::string_view kInstancePrefix = "instance/";
inline constexpr std::string_view kAllocationPrefix = "allocation/";
inline constexpr std::string_view kMachinePrefix = "machine/";
inline constexpr std::string_view kImagePrefix = "image/";
inline constexpr std::string_view kZonePrefix = "zone/";
inline constexpr std::string_view kHostPrefix = "host/";

[[nodiscard]] inline std::string key_of(std::string_view prefix, std::string_view name) {
  return std::string(prefix) + std::string(name);
}
[[nodiscard]] inline std::string instance_key(const InstanceId& id) {
  return key_of(kInstancePrefix, id.str());
}
[[nodiscard]] inline std::string allocation_key(const InstanceId& id) {
  return key_of(kAllocationPrefix, id.str());
}
[[nodiscard]] inline std::string machine_key(const std::string& machine) {
  return key_of(kMachinePrefix, machine);
}
[[nodiscard]] inline std::string image_key(const ImageId& id) { return key_of(kImagePrefix, id.str()); }
[[nodiscard]] inline std::string image_name_key(const std::string& owner_id, const std::string& name) {
  return "image-name/" + owner_id + "/" + name;
}
[[nodiscard]] inline std::string client_token_key(const std::string& owner_id, const std::string& token) {
  return "client-token/" + owner_id + "/" + token;
}

}  // namespace cumulet::control
