// DescribeInstanceTypes.
#include <algorithm>
#include <fmt/format.h>

#include "api/action/actions.h"
#include "api/action/filters.h"
#include "api/action/paging.h"
#include "control/resource/instance_type.h"

namespace cumulet::api {

namespace {

using control::InstanceType;
using Values = std::vector<std::string>;

Values number(uint64_t value) { return one(std::to_string(value)); }
Values absent(const InstanceType&) { return {}; }

uint32_t cores_of(const InstanceType& type) { return type.vcpus / type.threads_per_core; }

constexpr FilterField<InstanceType> kFields[] = {
    {"auto-recovery-supported", [](const InstanceType&) { return one(false); }},
    {"bare-metal", [](const InstanceType&) { return one(false); }},
    {"burstable-performance-supported", [](const InstanceType& t) { return one(t.burstable); }},
    {"current-generation", [](const InstanceType& t) { return one(t.current_generation); }},
    {"dedicated-hosts-supported", [](const InstanceType&) { return one(false); }},
    {"ebs-info.ebs-optimized-support", [](const InstanceType& t) { return one(t.ebs_optimized); }},
    {"ebs-info.encryption-support", [](const InstanceType&) { return one("supported"); }},
    {"ebs-info.nvme-support", [](const InstanceType& t) { return one(t.nvme_support); }},
    {"free-tier-eligible", [](const InstanceType& t) { return one(t.free_tier); }},
    {"hibernation-supported", [](const InstanceType&) { return one(false); }},
    {"hypervisor", [](const InstanceType& t) { return one(t.hypervisor); }},
    {"instance-storage-info.disk.count", absent},
    {"instance-storage-info.disk.size-in-gb", absent},
    {"instance-storage-info.disk.type", absent},
    {"instance-storage-info.nvme-support", absent},
    {"instance-storage-info.total-size-in-gb", absent},
    {"instance-storage-supported", [](const InstanceType&) { return one(false); }},
    {"instance-type", [](const InstanceType& t) { return one(t.name); }},
    {"memory-info.size-in-mib", [](const InstanceType& t) { return number(t.memory_mib); }},
    {"network-info.ena-support", [](const InstanceType& t) { return one(t.ena_support); }},
    {"network-info.ipv4-addresses-per-interface",
     [](const InstanceType& t) { return number(t.ipv4_per_interface); }},
    {"network-info.maximum-network-interfaces",
     [](const InstanceType& t) { return number(t.network_interfaces); }},
    {"network-info.network-performance", [](const InstanceType& t) { return one(t.network_performance); }},
    {"processor-info.supported-architecture", [](const InstanceType&) { return one("x86_64"); }},
    {"processor-info.sustained-clock-speed-in-ghz",
     [](const InstanceType& t) { return one(fmt::format("{}", t.clock_ghz)); }},
    {"supported-boot-mode", [](const InstanceType&) { return one("legacy-bios"); }},
    {"supported-root-device-type", [](const InstanceType&) { return one("instance-store"); }},
    {"supported-usage-class", [](const InstanceType&) { return one("on-demand"); }},
    {"supported-virtualization-type", [](const InstanceType&) { return one("hvm"); }},
    {"vcpu-info.default-cores", [](const InstanceType& t) { return number(cores_of(t)); }},
    {"vcpu-info.default-threads-per-core", [](const InstanceType& t) { return number(t.threads_per_core); }},
    {"vcpu-info.default-vcpus", [](const InstanceType& t) { return number(t.vcpus); }},
};

Outcome<std::vector<InstanceType>> named_types(const std::vector<std::string>& names) {
  auto all = control::instance_types();
  std::vector<InstanceType> types(all.begin(), all.end());
  if (names.empty()) return types;
  std::string unknown;
  for (const std::string& name : names) {
    if (name.find_first_of("*?") == std::string::npos && control::find_instance_type(name) == nullptr) {
      unknown += (unknown.empty() ? "" : ", ") + name.substr(0, 64);
    }
  }
  if (!unknown.empty()) {
    return refuse(ApiCode::kInvalidInstanceType,
                  "The following supplied instance types do not exist: [" + unknown + "]");
  }
  std::erase_if(types, [&](const InstanceType& type) {
    return std::none_of(names.begin(), names.end(),
                        [&](const std::string& name) { return matches_wildcards(name, type.name); });
  });
  return types;
}

ec2::EbsInfo to_ebs_info(const InstanceType& type) {
  ec2::EbsInfo view;
  view.ebs_optimized_support = std::string(type.ebs_optimized);
  view.encryption_support = "supported";
  view.nvme_support = std::string(type.nvme_support);
  if (type.ebs_baseline_mbps == 0) return view;
  constexpr double kMbitPerMbyte = 8;
  ec2::EbsOptimizedInfo& info = view.ebs_optimized_info.emplace();
  info.baseline_bandwidth_in_mbps = type.ebs_baseline_mbps;
  info.maximum_bandwidth_in_mbps = type.ebs_maximum_mbps;
  info.baseline_throughput_in_m_bps = type.ebs_baseline_mbps / kMbitPerMbyte;
  info.maximum_throughput_in_m_bps = type.ebs_maximum_mbps / kMbitPerMbyte;
  info.baseline_iops = type.ebs_baseline_iops;
  info.maximum_iops = type.ebs_maximum_iops;
  return view;
}

ec2::NetworkInfo to_network_info(const InstanceType& type) {
  ec2::NetworkInfo view;
  view.network_performance = std::string(type.network_performance);
  view.maximum_network_interfaces = type.network_interfaces;
  view.maximum_network_cards = 1;
  view.default_network_card_index = 0;
  ec2::NetworkCardInfo& card = view.network_cards.emplace().emplace_back();
  card.network_card_index = 0;
  card.network_performance = std::string(type.network_performance);
  card.maximum_network_interfaces = type.network_interfaces;
  view.ipv4_addresses_per_interface = type.ipv4_per_interface;
  view.ipv6_addresses_per_interface = type.ipv4_per_interface;
  view.ipv6_supported = true;
  view.ena_support = std::string(type.ena_support);
  view.efa_supported = false;
  view.encryption_in_transit_supported = false;
  return view;
}

ec2::InstanceTypeInfo to_type_info(const InstanceType& type) {
  ec2::InstanceTypeInfo view;
  view.instance_type = std::string(type.name);
  view.current_generation = type.current_generation;
  view.free_tier_eligible = type.free_tier;
  view.supported_usage_classes = {"on-demand"};
  view.supported_root_device_types = {"instance-store"};
  view.supported_virtualization_types = {"hvm"};
  view.bare_metal = false;
  view.hypervisor = std::string(type.hypervisor);
  ec2::ProcessorInfo& processor = view.processor_info.emplace();
  processor.supported_architectures = {"x86_64"};
  processor.sustained_clock_speed_in_ghz = type.clock_ghz;
  ec2::VCpuInfo& vcpu = view.vcpu_info.emplace();
  vcpu.default_vcpus = type.vcpus;
  vcpu.default_cores = cores_of(type);
  vcpu.default_threads_per_core = type.threads_per_core;
  view.memory_info.emplace().size_in_mib = static_cast<int64_t>(type.memory_mib);
  view.instance_storage_supported = false;
  view.ebs_info = to_ebs_info(type);
  view.network_info = to_network_info(type);
  view.placement_group_info.emplace().supported_strategies.emplace();
  view.hibernation_supported = false;
  view.burstable_performance_supported = type.burstable;
  view.dedicated_hosts_supported = false;
  view.auto_recovery_supported = false;
  view.supported_boot_modes = {"legacy-bios"};
  return view;
}

}  // namespace

Outcome<ec2::DescribeInstanceTypesResult> describe_instance_types(
    ActionContext& context, const ec2::DescribeInstanceTypesRequest& request) {
  bool by_name = !items(request.instance_types).empty();
  TRY_VOID(refuse_ids_with_max_results(by_name, request.max_results, "instanceTypes"));
  auto types = TRY(named_types(items(request.instance_types)));
  TRY_VOID(check_dry_run(request.dry_run));
  TRY_VOID(apply_filters<InstanceType>(request.filters, kFields, nullptr, types));
  auto name_of = [](const InstanceType& type) { return std::string(type.name); };
  std::sort(types.begin(), types.end(),
            [](const InstanceType& a, const InstanceType& b) { return a.name < b.name; });
  constexpr int64_t kLargestPage = 100;
  PageRequest page{"DescribeInstanceTypes", request.max_results, request.next_token, 5, kLargestPage};
  ec2::DescribeInstanceTypesResult result;
  result.next_token = TRY(take_page(context, page, name_of, types));
  auto& views = result.instance_types.emplace();
  for (const InstanceType& type : types) views.push_back(to_type_info(type));
  return result;
}

}  // namespace cumulet::api
