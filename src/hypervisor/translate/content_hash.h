// content_hash: a fast hash of bytes, for finding and for noticing damage; not against an adversary.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace cumulet::hypervisor {

[[nodiscard]] uint64_t content_hash(ByteView bytes, uint64_t seed = 0);

}  // namespace cumulet::hypervisor
