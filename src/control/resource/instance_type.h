// InstanceType: the table of instance types and their resources, with AWS's figures.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "control/resource/host.h"

namespace cumulet::control {

struct InstanceType {
  std::string_view name;  // "t3.micro"
  uint32_t vcpus;
  uint32_t threads_per_core;
  uint64_t memory_mib;
  bool current_generation;
  bool free_tier;
  bool burstable;
  std::string_view hypervisor;           // "nitro" or "xen"
  double clock_ghz;                      // sustained
  std::string_view network_performance;  // "Up to 5 Gigabit"
  uint32_t network_interfaces;           // at most
  uint32_t ipv4_per_interface;
  std::string_view ena_support;    // "unsupported", "supported" or "required"
  std::string_view ebs_optimized;  // "unsupported", "supported" or "default"
  std::string_view nvme_support;   // of EBS: "unsupported", "supported" or "required"
  uint32_t ebs_baseline_mbps;      // 0: not stated
  uint32_t ebs_maximum_mbps;
  uint32_t ebs_baseline_iops;
  uint32_t ebs_maximum_iops;

  [[nodiscard]] Capacity capacity() const { return {vcpus, memory_mib}; }
};

// Returns every type, ordered by family, then size.
[[nodiscard]] std::span<const InstanceType> instance_types();

// Returns the type, or null if there is none of this name.
[[nodiscard]] const InstanceType* find_instance_type(std::string_view name);

}  // namespace cumulet::control
