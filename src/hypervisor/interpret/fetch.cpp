// Instruction fetch across pages, and the cache of decoded instructions.
#include "hypervisor/interpret/fetch.h"

#include <algorithm>
#include <variant>

#include "hypervisor/interpret/guest_ram_unsafe.h"
#include "hypervisor/interpret/memory_access.h"

namespace cumulet::hypervisor {

namespace {
constexpr uint64_t kPageSize = 4096;

ZydisMachineMode machine_mode(const CpuState& state) {
  const Segment& cs = state.segments[kCs];
  bool long_mode = (state.msr.efer & efer::kLma) != 0;
  if (long_mode && cs.long_mode()) return ZYDIS_MACHINE_MODE_LONG_64;
  if ((state.cr0 & cr0::kPe) == 0 && !cs.default_big()) return ZYDIS_MACHINE_MODE_REAL_16;
  if (long_mode)
    return cs.default_big() ? ZYDIS_MACHINE_MODE_LONG_COMPAT_32 : ZYDIS_MACHINE_MODE_LONG_COMPAT_16;
  return cs.default_big() ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16;
}

uint8_t code_bits(ZydisMachineMode mode) {
  switch (mode) {
    case ZYDIS_MACHINE_MODE_LONG_64: return 64;
    case ZYDIS_MACHINE_MODE_LONG_COMPAT_32:
    case ZYDIS_MACHINE_MODE_LEGACY_32: return 32;
    default: return 16;
  }
}

ZydisStackWidth stack_width(ZydisMachineMode mode) {
  uint8_t bits = code_bits(mode);
  return bits == 64 ? ZYDIS_STACK_WIDTH_64 : bits == 32 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16;
}
}  // namespace

Fetcher::Fetcher() : cache_(kCacheSize) {
  constexpr ZydisMachineMode kModes[] = {ZYDIS_MACHINE_MODE_LONG_64,        ZYDIS_MACHINE_MODE_LONG_COMPAT_32,
                                         ZYDIS_MACHINE_MODE_LONG_COMPAT_16, ZYDIS_MACHINE_MODE_LEGACY_32,
                                         ZYDIS_MACHINE_MODE_LEGACY_16,      ZYDIS_MACHINE_MODE_REAL_16};
  // Extensions that guests are not shown decode as the NOPs they were before.
  constexpr ZydisDecoderMode kOff[] = {ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CET,
                                       ZYDIS_DECODER_MODE_CLDEMOTE, ZYDIS_DECODER_MODE_WBNOINVD};
  for (ZydisMachineMode mode : kModes) {
    CHECK(ZYAN_SUCCESS(ZydisDecoderInit(&decoders_[mode], mode, stack_width(mode))));
    for (ZydisDecoderMode feature : kOff) ZydisDecoderEnableMode(&decoders_[mode], feature, ZYAN_FALSE);
  }
}

bool Fetcher::read_bytes(Execution& x, uint64_t linear, size_t wanted, size_t& available,
                         std::array<uint8_t, kMaxInstructionBytes>& bytes) {
  available = 0;
  while (available < wanted) {
    uint64_t at = linear + available;
    if (!x.code64()) at &= 0xffffffff;
    auto result = walk_page(x.cpu, at, AccessType::kExecute);
    if (const Exception* fault = std::get_if<Exception>(&result)) return x.stop(*fault);
    size_t piece = std::min<size_t>(wanted - available, kPageSize - (at & (kPageSize - 1)));
    GuestAddress physical = std::get<Translation>(result).page + (at & (kPageSize - 1));
    MutableByteView target = MutableByteView(bytes).subspan(available, piece);
    if (!ram_read(*x.cpu.memory, physical, target)) std::ranges::fill(target, uint8_t{0xff});
    available += piece;
    if (available < wanted) return true;  // the next page is looked at only if the instruction reaches it
  }
  return true;
}

bool Fetcher::fetch(Execution& x) {
  ZydisMachineMode mode = machine_mode(x.state);
  x.code_bits = code_bits(mode);
  uint64_t rip = x.state.rip;
  const Segment& cs = x.state.segments[kCs];
  size_t wanted = kMaxInstructionBytes;
  bool reachable = x.code64() ? is_canonical(rip) : rip <= cs.limit;
  if (!reachable) return x.stop(general_protection());
  if (!x.code64()) wanted = std::min<uint64_t>(wanted, uint64_t{cs.limit} - rip + 1);
  uint64_t linear = x.code64() ? rip : (rip + cs.base) & 0xffffffff;

  std::array<uint8_t, kMaxInstructionBytes> bytes;
  size_t available = 0;
  if (!read_bytes(x, linear, wanted, available, bytes)) return false;
  FetchedInstruction& entry = cache_[(linear ^ linear >> 10) % kCacheSize];
  bool cached = entry.length != 0 && entry.mode == mode && entry.length <= available &&
                std::equal(bytes.begin(), bytes.begin() + entry.length, entry.bytes.begin());
  while (!cached) {
    ZyanStatus status =
        ZydisDecoderDecodeFull(&decoder(mode), bytes.data(), available, &entry.info, entry.operands.data());
    entry.length = 0;
    if (ZYAN_SUCCESS(status)) {
      entry.length = entry.info.length;
      entry.mode = mode;
      std::copy_n(bytes.begin(), entry.length, entry.bytes.begin());
      break;
    }
    if (status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG) return x.stop(general_protection());
    if (status != ZYDIS_STATUS_NO_MORE_DATA) return x.stop(invalid_opcode());
    if (available == wanted) return x.stop(general_protection());  // beyond the limit, or too long
    size_t more = 0;
    std::array<uint8_t, kMaxInstructionBytes> tail;
    if (!read_bytes(x, linear + available, wanted - available, more, tail)) return false;
    std::copy_n(tail.begin(), more, bytes.begin() + available);
    available += more;
  }
  x.decoded = &entry;
  x.next_rip = (rip + entry.length) & low_mask(x.code64() ? 64 : 32);
  if (x.code_bits == 16) x.next_rip = (rip + entry.length) & (x.protected_mode() ? 0xffffffff : 0xffff);
  return true;
}

}  // namespace cumulet::hypervisor
