// Id: a distinct string type per kind of resource, so that a VolumeId is never taken for an InstanceId.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <utility>

namespace cumulet {

// `Tag` is an empty struct whose `kPrefix` is AWS's prefix for the resource, e.g. "i-".
template <typename Tag>
class Id {
 public:
  Id() = default;
  explicit Id(std::string value) : value_(std::move(value)) {}

  [[nodiscard]] const std::string& str() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }

  friend auto operator<=>(const Id&, const Id&) = default;

 private:
  std::string value_;
};

}  // namespace cumulet

template <typename Tag>
struct std::hash<cumulet::Id<Tag>> {
  size_t operator()(const cumulet::Id<Tag>& id) const { return std::hash<std::string>()(id.str()); }
};
