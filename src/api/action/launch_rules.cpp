// The checks of RunInstances.
#include "api/action/launch_rules.h"

#include <algorithm>

#include "api/action/resource_ids.h"
#include "api/action/tag_rules.h"
#include "api/auth/digest.h"
#include "api/shape/base64.h"
#include "control/resource/host_store.h"
#include "control/resource/instance_type.h"

namespace cumulet::api {

namespace {

constexpr std::string_view kDefaultInstanceType = "t3.micro";
constexpr size_t kMaxClientTokenLength = 64;
constexpr size_t kMaxUserDataBytes = 16 << 10;  // before base64
constexpr int64_t kMaxInstancesPerCall = 1000;

tl::unexpected<ApiError> unsupported(std::string_view parameter, std::string_view why) {
  return refuse(ApiCode::kUnsupportedOperation,
                "The parameter " + std::string(parameter) + " is not supported: " + std::string(why) + ".");
}

Outcome<void> check_network(const ec2::RunInstancesRequest& request) {
  if (request.subnet_id) {
    return refuse(ApiCode::kInvalidSubnetIdNotFound,
                  "The subnet ID '" + *request.subnet_id + "' does not exist");
  }
  for (const auto* groups : {&request.security_group_ids, &request.security_groups}) {
    if (!items(*groups).empty()) {
      return refuse(ApiCode::kInvalidGroupNotFound,
                    "The security group '" + (*groups)->front() + "' does not exist");
    }
  }
  constexpr std::string_view kNoNetwork = "instances have no network yet";
  if (request.network_interfaces) return unsupported("NetworkInterface", kNoNetwork);
  if (request.private_ip_address) return unsupported("PrivateIpAddress", kNoNetwork);
  if (request.ipv6_address_count.value_or(0) != 0) return unsupported("Ipv6AddressCount", kNoNetwork);
  if (request.ipv6_addresses) return unsupported("Ipv6Address", kNoNetwork);
  if (request.private_dns_name_options) return unsupported("PrivateDnsNameOptions", kNoNetwork);
  return {};
}

Outcome<void> check_user_data(const std::optional<std::string>& user_data) {
  if (!user_data || user_data->empty()) return {};
  auto bytes = base64_decode(*user_data);
  if (!bytes) return refuse(ApiCode::kInvalidUserDataMalformed, "Invalid BASE64 encoding of user data");
  if (bytes->size() > kMaxUserDataBytes) {
    return refuse(ApiCode::kInvalidParameterValue, "User data is limited to 16384 bytes");
  }
  return unsupported("UserData", "there is no instance metadata service yet to hand it to the guest");
}

Outcome<void> check_placement(const ec2::Placement& placement) {
  if (placement.tenancy.value_or("default") != "default") {
    return unsupported("Placement.Tenancy", "there are no dedicated hosts");
  }
  bool on_host = placement.affinity || placement.host_id || placement.host_resource_group_arn;
  if (on_host) return unsupported("Placement", "there are no dedicated hosts");
  bool grouped = !placement.group_name.value_or("").empty() || placement.group_id ||
                 placement.partition_number || placement.spread_domain;
  if (grouped) return unsupported("Placement", "there are no placement groups");
  return {};
}

Outcome<void> check_processor_options(const ec2::RunInstancesRequest& request) {
  if (request.cpu_options) return unsupported("CpuOptions", "the instance type decides the number of CPUs");
  bool limited = request.credit_specification &&
                 request.credit_specification->cpu_credits.value_or("unlimited") != "unlimited";
  if (limited) return unsupported("CreditSpecification", "the CPU of burstable instances is not limited");
  if (request.hibernation_options && request.hibernation_options->configured.value_or(false)) {
    return unsupported("HibernationOptions", "instances cannot hibernate");
  }
  if (request.enclave_options && request.enclave_options->enabled.value_or(false)) {
    return unsupported("EnclaveOptions", "there are no enclaves");
  }
  if (request.elastic_gpu_specification) return unsupported("ElasticGpuSpecification", "there are no GPUs");
  if (request.elastic_inference_accelerators) {
    return unsupported("ElasticInferenceAccelerator", "there are no accelerators");
  }
  return {};
}

Outcome<void> check_purchase_options(const ec2::RunInstancesRequest& request) {
  if (request.instance_market_options)
    return unsupported("InstanceMarketOptions", "all instances are on demand");
  const auto& reservation = request.capacity_reservation_specification;
  if (reservation && reservation->capacity_reservation_target) {
    return unsupported("CapacityReservationSpecification", "there are no capacity reservations");
  }
  if (request.license_specifications)
    return unsupported("LicenseSpecification", "there are no license configurations");
  if (request.launch_template) return unsupported("LaunchTemplate", "there are no launch templates");
  return {};
}

Outcome<void> check_counts(int64_t smallest, int64_t largest) {
  if (smallest < 1) {
    return refuse(ApiCode::kInvalidParameterValue,
                  "Value (" + std::to_string(smallest) +
                      ") for parameter minCount is invalid. Expecting a value "
                      "greater than or equal to 1.");
  }
  if (largest < smallest) {
    return refuse(ApiCode::kInvalidParameterValue,
                  "Value (" + std::to_string(largest) +
                      ") for parameter maxCount is invalid. Expecting a value "
                      "greater than or equal to minCount.");
  }
  if (smallest > kMaxInstancesPerCall) {
    return refuse(ApiCode::kInstanceLimitExceeded, "At most 1000 instances can be launched in one request");
  }
  return {};
}

Outcome<void> check_zone(const Cloud& cloud, const std::string& name) {
  auto zones = TRY(control::list_zones(cloud.kv));
  bool known =
      std::any_of(zones.begin(), zones.end(), [&](const control::Zone& zone) { return zone.name == name; });
  if (known) return {};
  return refuse(ApiCode::kInvalidParameterValue, "Invalid availability zone: [" + name + "]");
}

}  // namespace

Outcome<void> refuse_unsupported_launch(const ec2::RunInstancesRequest& request) {
  if (request.key_name) {
    return refuse(ApiCode::kInvalidKeyPairNotFound,
                  "The key pair '" + *request.key_name + "' does not exist");
  }
  TRY_VOID(check_network(request));
  TRY_VOID(check_user_data(request.user_data));
  if (request.placement) TRY_VOID(check_placement(*request.placement));
  TRY_VOID(check_processor_options(request));
  TRY_VOID(check_purchase_options(request));
  if (request.block_device_mappings) {
    return unsupported("BlockDeviceMapping",
                       "there are no volumes yet; an image brings its own root file system");
  }
  if (request.ebs_optimized.value_or(false)) return unsupported("EbsOptimized", "there are no volumes yet");
  if (request.kernel_id) return unsupported("KernelId", "the image has its kernel");
  if (request.ramdisk_id) return unsupported("RamdiskId", "the image has its RAM disk");
  if (request.additional_info) return unsupported("AdditionalInfo", "it is reserved");
  if (request.iam_instance_profile)
    return unsupported("IamInstanceProfile", "there are no instance profiles");
  if (request.monitoring && request.monitoring->enabled.value_or(false)) {
    return unsupported("Monitoring.Enabled", "there is no detailed monitoring");
  }
  return {};
}

Outcome<control::LaunchRequest> read_launch(const Cloud& cloud, const ec2::RunInstancesRequest& request) {
  TRY_VOID(check_counts(*request.min_count, *request.max_count));
  if (!request.image_id) {
    return refuse(ApiCode::kMissingParameter, "The request must contain the parameter ImageId");
  }
  control::LaunchRequest launch;
  launch.image_id = TRY(parse_image_id(*request.image_id));
  TRY(find_known_image(cloud.kv, launch.image_id));
  launch.instance_type = request.instance_type.value_or(std::string(kDefaultInstanceType));
  if (control::find_instance_type(launch.instance_type) == nullptr) {
    return refuse(ApiCode::kInvalidParameterValue,
                  "Invalid value '" + launch.instance_type.substr(0, 64) + "' for InstanceType.");
  }
  launch.min_count = static_cast<uint32_t>(*request.min_count);
  launch.max_count = static_cast<uint32_t>(std::min(*request.max_count, kMaxInstancesPerCall));
  if (request.placement && !request.placement->availability_zone.value_or("").empty()) {
    launch.zone = request.placement->availability_zone;
    TRY_VOID(check_zone(cloud, *launch.zone));
  }
  bool terminate = request.instance_initiated_shutdown_behavior.value_or("stop") == "terminate";
  launch.shutdown_behavior =
      terminate ? control::ShutdownBehavior::kTerminate : control::ShutdownBehavior::kStop;
  launch.disable_api_termination = request.disable_api_termination.value_or(false);
  launch.disable_api_stop = request.disable_api_stop.value_or(false);
  // A launch makes no volumes, so tags for them are legal and go nowhere.
  launch.tags = TRY(read_tag_specifications(request.tag_specifications, "instance", {"volume"}));
  return launch;
}

Outcome<std::string> read_client_token(const std::optional<std::string>& token) {
  std::string text = token.value_or("");
  bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (ascii && text.size() <= kMaxClientTokenLength) return text;
  return refuse(ApiCode::kInvalidParameterValue,
                "The client token must be at most 64 printable ASCII characters.");
}

std::string launch_fingerprint(const FormParameters& parameters) {
  FormParameters relevant;
  for (const auto& [name, value] : parameters) {
    if (name != "ClientToken" && name != "DryRun" && name != "Version") relevant.emplace_back(name, value);
  }
  std::sort(relevant.begin(), relevant.end());
  std::string text;
  for (const auto& [name, value] : relevant) {
    // Lengths keep two different lists from becoming the same text.
    text += std::to_string(name.size()) + ":" + name + std::to_string(value.size()) + ":" + value;
  }
  return to_hex(sha256(text));
}

}  // namespace cumulet::api
