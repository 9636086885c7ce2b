// Host: a place that runs instances, in one zone, and what it has to give.
#pragma once

#include <cstdint>
#include <string>

#include "control/resource/ids.h"

namespace cumulet::control {

// CPUs and memory, as offered by a host or needed by an instance.
struct Capacity {
  uint32_t vcpus = 0;
  uint64_t memory_mib = 0;
  friend bool operator==(const Capacity&, const Capacity&) = default;
};

struct Host {
  HostId id;
  std::string zone;
  // The physical machine. Hosts of several zones may share one, and then share its capacity too.
  std::string machine;
  Capacity capacity;  // of the whole machine, overcommitment included
};

}  // namespace cumulet::control
