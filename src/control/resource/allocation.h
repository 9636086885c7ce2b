// Allocation: the part of a machine that an instance occupies, as stored; it exists exactly as long.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/resource/host.h"
#include "control/resource/placement.h"
#include "store/kv/kv.h"

namespace cumulet::control {

struct Allocation {
  std::string machine;
  Capacity capacity;
};

[[nodiscard]] std::string encode_allocation(const Allocation& allocation);
[[nodiscard]] Result<Allocation> decode_allocation(std::string_view json);

// What can be given away, with the proof that nobody else gives it away at the same time: a transaction that
// allocates from `offers` must call guard() for it.
struct Offers {
  std::vector<HostOffer> offers;
  std::vector<store::Entry> machines;

  // Returns the offer of the host, or null.
  [[nodiscard]] HostOffer* find(const HostId& host);
  // Makes the transaction fail with kConflict if something was allocated on the machine since the offers were
  // read.
  void guard(store::Transaction& transaction, const std::string& machine) const;
};

[[nodiscard]] Result<Offers> read_offers(store::Kv& kv);

}  // namespace cumulet::control
