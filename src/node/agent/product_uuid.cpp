// The DMI product UUID from the instance id.
#include "node/agent/product_uuid.h"

#include <cstdint>
#include <fmt/format.h>
#include <string_view>

namespace cumulet::node {

namespace {

// FNV-1a, 64 bits: spreads the id's bits; it protects nothing.
uint64_t hash(std::string_view text, uint64_t seed) {
  uint64_t value = 0xcbf29ce484222325 ^ seed;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return value;
}

}  // namespace

std::string product_uuid(const control::InstanceId& id) {
  const std::string digits = fmt::format("{:016x}{:016x}", hash(id.str(), 0), hash(id.str(), 1));
  const std::string_view view = digits;
  // Version 4 and variant 1 where RFC 4122, section 4.1, wants them.
  return fmt::format("ec2{}-{}-4{}-8{}-{}", view.substr(0, 5), view.substr(5, 4), view.substr(9, 3),
                     view.substr(12, 3), view.substr(15, 12));
}

}  // namespace cumulet::node
