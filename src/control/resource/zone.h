// Region and Availability Zone: where instances may be.
#pragma once

#include <string>

namespace cumulet::control {

struct Zone {
  std::string name;    // "us-east-1a"
  std::string id;      // "use1-az1"
  std::string region;  // "us-east-1"
};

struct Region {
  std::string name;  // "us-east-1"
};

}  // namespace cumulet::control
