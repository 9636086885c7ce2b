// The id types of resources, and how an id is made and recognized.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/id.h"

namespace cumulet::control {

struct InstanceTag {
  static constexpr std::string_view kPrefix = "i-";
};
struct ReservationTag {
  static constexpr std::string_view kPrefix = "r-";
};
struct ImageTag {
  static constexpr std::string_view kPrefix = "ami-";
};
struct HostTag {};  // named by the operator: "<zone>-<number>"

using InstanceId = Id<InstanceTag>;
using ReservationId = Id<ReservationTag>;
using ImageId = Id<ImageTag>;
using HostId = Id<HostTag>;

// Where the digits of new ids come from. Thread-safe.
class IdSource {
 public:
  virtual ~IdSource() = default;
  // Returns 17 lower-case hexadecimal digits, never the same twice.
  [[nodiscard]] virtual std::string next_digits() = 0;
};

// Digits from the kernel's random number generator.
class RandomIdSource final : public IdSource {
 public:
  [[nodiscard]] std::string next_digits() override;
};

template <typename Tag>
[[nodiscard]] Id<Tag> make_id(IdSource& source) {
  return Id<Tag>(std::string(Tag::kPrefix) + source.next_digits());
}

// True if `text` is the prefix followed by 8 or 17 lower-case hexadecimal digits (AWS's old and new forms).
[[nodiscard]] bool is_resource_id(std::string_view text, std::string_view prefix);

template <typename Tag>
[[nodiscard]] bool is_well_formed(const Id<Tag>& id) {
  return is_resource_id(id.str(), Tag::kPrefix);
}

}  // namespace cumulet::control
