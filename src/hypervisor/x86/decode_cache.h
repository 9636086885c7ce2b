// DecodeCache: decode_64bit() at a fraction of its price, for instructions whose form was decoded before.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "hypervisor/x86/decode.h"

namespace cumulet::hypervisor {

// Problem: a full decoding costs more than all that a translator does with the instruction. But apart from
// displacement and immediate, the result depends on prefixes, opcode, ModRM and SIB alone; so results are
// kept by these bytes, and only what the others mean is worked out each time. Forms for which that is not so
// go to decode_64bit(), and so does anything that may be cut off. Not thread-safe.
class DecodeCache {
 public:
  DecodeCache();

  // The same as decode_64bit().
  DecodedInstruction decode(ByteView bytes, uint64_t rip);

 private:
  struct Entry {
    uint64_t form = 0;  // 0 = empty
    DecodedInstruction decoded;
  };
  static constexpr uint32_t kEntryBits = 12;

  static uint64_t form_of(ByteView bytes);
  static void fill_in(DecodedInstruction& out, ByteView bytes, uint64_t rip);

  std::unique_ptr<Entry[]> entries_;
};

}  // namespace cumulet::hypervisor
