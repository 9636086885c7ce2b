// Processors and memory of this machine.
#include "node/agent/machine_capacity.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sched.h>
#include <string>

namespace cumulet::node {

namespace {

// MemAvailable of /proc/meminfo, in KiB (proc(5)): what can be had without swapping.
Result<uint64_t> available_mib() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  uint64_t number = 0;
  std::string rest;
  while (file >> name >> number && std::getline(file, rest))
    if (name == "MemAvailable:") return number / 1024;
  return fail(ErrorCode::kIo, "cannot read MemAvailable from /proc/meminfo");
}

std::optional<uint64_t> read_number(const char* path) {
  std::ifstream file(path);
  uint64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;  // no such file, or "max"
}

// What the control group (cgroup-v2.rst, memory controller) leaves, if it limits; containers have their own
// at this path.
std::optional<uint64_t> control_group_left_mib() {
  const auto limit = read_number("/sys/fs/cgroup/memory.max");
  const auto used = read_number("/sys/fs/cgroup/memory.current");
  if (!limit || !used) return std::nullopt;
  return (*limit > *used ? *limit - *used : 0) >> 20;
}

uint32_t usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return static_cast<uint32_t>(std::max(1, CPU_COUNT(&set)));
}

}  // namespace

Result<control::Capacity> machine_capacity(const CapacityOptions& options, uint64_t resident_mib) {
  uint64_t memory_mib = TRY(available_mib());
  if (const auto left = control_group_left_mib()) memory_mib = std::min(memory_mib, *left);
  memory_mib += resident_mib;
  memory_mib -= std::min(memory_mib, options.memory_reserve_mib);
  return control::Capacity{usable_cpus() * options.vcpus_per_cpu, memory_mib};
}

}  // namespace cumulet::node
