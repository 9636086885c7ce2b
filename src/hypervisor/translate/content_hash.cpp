// XXH3, compiled in: a library would have to be loaded at every start.
#define XXH_INLINE_ALL
#include "hypervisor/translate/content_hash.h"

#include <xxhash.h>

namespace cumulet::hypervisor {

uint64_t content_hash(ByteView bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace cumulet::hypervisor
