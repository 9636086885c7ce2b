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

  // What decode() would give, except for DecodedInstruction::bytes, if the instruction at the start of
  // `bytes` is of a known form and is_plain(); else null. Until the next call of decode().
  [[nodiscard]] const DecodedInstruction* plain(ByteView bytes) const;
  // Whether an instruction computes on general registers alone and cannot fault.
  static bool is_plain(const DecodedInstruction& instruction);

 private:
  struct Entry {
    uint64_t form = 0;  // 0 = empty
    DecodedInstruction decoded;
    bool plain = false;
  };
  [[nodiscard]] Entry& entry_of(uint64_t form) const {
    return entries_[form * 0x9e3779b97f4a7c15 >> (64 - kEntryBits)];
  }
  static constexpr uint32_t kEntryBits = 12;

  static uint64_t form_of(ByteView bytes);
  static void fill_in(DecodedInstruction& out, ByteView bytes, uint64_t rip);

  std::unique_ptr<Entry[]> entries_;
};

}  // namespace cumulet::hypervisor
