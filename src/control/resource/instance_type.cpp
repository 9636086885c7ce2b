// The table of instance types: AWS's published figures.
#include "control/resource/instance_type.h"

#include <algorithm>
#include <array>

namespace cumulet::control {

namespace {

// What the sizes of a family share.
struct Family {
  bool current_generation;
  bool burstable;
  std::string_view hypervisor;
  double clock_ghz;
  std::string_view ena_support;
  std::string_view ebs_optimized;
  std::string_view nvme_support;
};

constexpr Family kT2{true, true, "xen", 2.3, "unsupported", "unsupported", "unsupported"};
constexpr Family kT3{true, true, "nitro", 2.5, "required", "default", "required"};
constexpr Family kT3a{true, true, "nitro", 2.2, "required", "default", "required"};
constexpr Family kM5{true, false, "nitro", 3.1, "required", "default", "required"};
constexpr Family kC5{true, false, "nitro", 3.4, "required", "default", "required"};
constexpr Family kR5{true, false, "nitro", 3.1, "required", "default", "required"};

// What differs by size. EBS figures: baseline and maximum bandwidth (Mbit/s), baseline and maximum IOPS.
struct Size {
  uint32_t vcpus;
  uint64_t memory_mib;
  std::string_view network;
  uint32_t interfaces;
  uint32_t ipv4;
  uint32_t ebs_baseline_mbps = 0;
  uint32_t ebs_maximum_mbps = 0;
  uint32_t ebs_baseline_iops = 0;
  uint32_t ebs_maximum_iops = 0;
};

constexpr InstanceType make(std::string_view name, const Family& family, const Size& size,
                            uint32_t threads_per_core = 2, bool free_tier = false) {
  return {name,
          size.vcpus,
          threads_per_core,
          size.memory_mib,
          family.current_generation,
          free_tier,
          family.burstable,
          family.hypervisor,
          family.clock_ghz,
          size.network,
          size.interfaces,
          size.ipv4,
          family.ena_support,
          family.ebs_optimized,
          family.nvme_support,
          size.ebs_baseline_mbps,
          size.ebs_maximum_mbps,
          size.ebs_baseline_iops,
          size.ebs_maximum_iops};
}

constexpr std::string_view kUpTo5 = "Up to 5 Gigabit";
constexpr std::string_view kUpTo10 = "Up to 10 Gigabit";
constexpr std::string_view kLow = "Low to Moderate";

constexpr std::array kTypes{
    make("c5.large", kC5, {2, 4096, kUpTo10, 3, 10, 650, 4750, 4000, 20000}),
    make("c5.xlarge", kC5, {4, 8192, kUpTo10, 4, 15, 1150, 4750, 6000, 20000}),
    make("c5.2xlarge", kC5, {8, 16384, kUpTo10, 4, 15, 2300, 4750, 10000, 20000}),
    make("c5.4xlarge", kC5, {16, 32768, kUpTo10, 8, 30, 4750, 4750, 20000, 20000}),
    make("m5.large", kM5, {2, 8192, kUpTo10, 3, 10, 650, 4750, 3600, 18750}),
    make("m5.xlarge", kM5, {4, 16384, kUpTo10, 4, 15, 1150, 4750, 6000, 18750}),
    make("m5.2xlarge", kM5, {8, 32768, kUpTo10, 4, 15, 2300, 4750, 12000, 18750}),
    make("m5.4xlarge", kM5, {16, 65536, kUpTo10, 8, 30, 4750, 4750, 18750, 18750}),
    make("r5.large", kR5, {2, 16384, kUpTo10, 3, 10, 650, 4750, 3600, 18750}),
    make("r5.xlarge", kR5, {4, 32768, kUpTo10, 4, 15, 1150, 4750, 6000, 18750}),
    make("r5.2xlarge", kR5, {8, 65536, kUpTo10, 4, 15, 2300, 4750, 12000, 18750}),
    make("t2.nano", kT2, {1, 512, kLow, 2, 2}, 1),
    make("t2.micro", kT2, {1, 1024, kLow, 2, 2}, 1, true),
    make("t2.small", kT2, {1, 2048, kLow, 3, 4}, 1),
    make("t2.medium", kT2, {2, 4096, kLow, 3, 6}, 1),
    make("t2.large", kT2, {2, 8192, kLow, 3, 12}, 1),
    make("t2.xlarge", kT2, {4, 16384, "Moderate", 3, 15}, 1),
    make("t2.2xlarge", kT2, {8, 32768, "Moderate", 3, 15}, 1),
    make("t3.nano", kT3, {2, 512, kUpTo5, 2, 2, 43, 2085, 250, 11800}),
    make("t3.micro", kT3, {2, 1024, kUpTo5, 2, 2, 87, 2085, 500, 11800}),
    make("t3.small", kT3, {2, 2048, kUpTo5, 3, 4, 174, 2085, 1000, 11800}),
    make("t3.medium", kT3, {2, 4096, kUpTo5, 3, 6, 347, 2085, 2000, 11800}),
    make("t3.large", kT3, {2, 8192, kUpTo5, 3, 12, 695, 2780, 4000, 15700}),
    make("t3.xlarge", kT3, {4, 16384, kUpTo5, 4, 15, 695, 2780, 4000, 15700}),
    make("t3.2xlarge", kT3, {8, 32768, kUpTo5, 4, 15, 695, 2780, 4000, 15700}),
    make("t3a.nano", kT3a, {2, 512, kUpTo5, 2, 2, 45, 2085, 250, 11800}),
    make("t3a.micro", kT3a, {2, 1024, kUpTo5, 2, 2, 90, 2085, 500, 11800}),
    make("t3a.small", kT3a, {2, 2048, kUpTo5, 2, 4, 175, 2085, 1000, 11800}),
    make("t3a.medium", kT3a, {2, 4096, kUpTo5, 3, 6, 350, 2085, 2000, 11800}),
};

}  // namespace

std::span<const InstanceType> instance_types() { return kTypes; }

const InstanceType* find_instance_type(std::string_view name) {
  const auto found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const InstanceType& type) { return type.name == name; });
  return found == kTypes.end() ? nullptr : &*found;
}

}  // namespace cumulet::control
