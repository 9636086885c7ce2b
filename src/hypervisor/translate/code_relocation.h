// Placement and CodeField: where a block's host code lies, and which of its bytes depend on that.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace cumulet::hypervisor {

// What a block's host code depends on beside the guest code that it was made from.
struct Placement {
  uint64_t stubs = 0;  // address of the first stub
  uint64_t hot = 0, cold = 0;
  uint64_t first_link = 0;
  uint64_t page_number = 0;  // with kModeRelative
};

// A field of hot or cold code that holds a constant plus a sum of the Placement's members.
struct CodeField {
  uint32_t offset;
  bool in_cold;
  uint8_t kind;  // below kCodeFieldKinds
};
inline constexpr uint8_t kCodeFieldKinds = 16;

// The same guest code translated for two placements has been compared: `mine` for `placement`, `others` for
// `other`. Every difference becomes a field, appended to `fields`, whose constant `mine` is left with. False:
// a difference is not understood.
[[nodiscard]] bool find_code_fields(MutableByteView mine, const Placement& placement, ByteView others,
                                    const Placement& other, bool in_cold, std::vector<CodeField>& fields);

// Gives fields of code left by find_code_fields() what they hold for a placement.
class CodeFieldFiller {
 public:
  explicit CodeFieldFiller(const Placement& placement);
  // False: the field does not lie in `code`, or there is no such kind.
  [[nodiscard]] bool fill(MutableByteView code, const CodeField& field) const;

 private:
  std::array<uint64_t, kCodeFieldKinds> sums_;
};

}  // namespace cumulet::hypervisor
